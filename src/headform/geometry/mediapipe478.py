"""The scheme of MediaPipe's 478 face mesh points: its rings, pairs, mirror images, and the usual 68 of them.

Indices of MediaPipe's canonical face model with irises (google-ai-edge/mediapipe, Apache-2.0). "Right" and "left" are the
subject's; rings run from the outer to the inner corner of an eye, from the right to the left corner of the mouth.
"""

import numpy as np

POINTS = 478
SURFACE = 468
"""The first points lie on the face's surface; the others are the right and the left iris."""
IRIS_RIGHT, IRIS_LEFT = slice(468, 473), slice(473, 478)
"""Each iris: its center and four points of its rim (the picture's right, top, left, bottom of an upright face)."""

UPPER_LID_RIGHT = (33, 246, 161, 160, 159, 158, 157, 173, 133)
LOWER_LID_RIGHT = (33, 7, 163, 144, 145, 153, 154, 155, 133)
UPPER_LID_LEFT = (263, 466, 388, 387, 386, 385, 384, 398, 362)
LOWER_LID_LEFT = (263, 249, 390, 373, 374, 380, 381, 382, 362)
UPPER_LIP_OUTER = (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291)
LOWER_LIP_OUTER = (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291)
UPPER_LIP_INNER = (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308)
LOWER_LIP_INNER = (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308)

LID_PAIRS = tuple(
    pair
    for upper, lower in (
        (UPPER_LID_RIGHT, LOWER_LID_RIGHT),
        (UPPER_LID_LEFT, LOWER_LID_LEFT),
    )
    for pair in zip(upper[1:-1], lower[1:-1], strict=True)
)
"""Upper and lower lid points that lie above each other: seven of the right eye, then seven of the left."""
LIP_PAIRS = tuple(zip(UPPER_LIP_INNER[3:-3], LOWER_LIP_INNER[3:-3], strict=True))
"""The same of the inner lips: the middle five, since toward the corners the lips lie beside rather than above each other."""

TO_68 = np.array(
    [
        162, 234, 93, 58, 172, 136, 149, 148, 152, 377, 378, 365, 397, 288, 323, 454, 389,
        71, 63, 105, 66, 107, 336, 296, 334, 293, 301,
        168, 197, 5, 4, 75, 97, 2, 326, 305,
        33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380,
        61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181,
        78, 82, 13, 312, 308, 317, 14, 87,
    ]
)  # fmt: skip
"""The points commonly taken for iBUG's 68."""

_PAIRED = {
    3: 248, 7: 249, 20: 250, 21: 251, 22: 252, 23: 253, 24: 254, 25: 255, 26: 256, 27: 257, 28: 258, 29: 259,
    30: 260, 31: 261, 32: 262, 33: 263, 34: 264, 35: 265, 36: 266, 37: 267, 38: 268, 39: 269, 40: 270, 41: 271,
    42: 272, 43: 273, 44: 274, 45: 275, 46: 276, 47: 277, 48: 278, 49: 279, 50: 280, 51: 281, 52: 282, 53: 283,
    54: 284, 55: 285, 56: 286, 57: 287, 58: 288, 59: 289, 60: 290, 61: 291, 62: 292, 63: 293, 64: 294, 65: 295,
    66: 296, 67: 297, 68: 298, 69: 299, 70: 300, 71: 301, 72: 302, 73: 303, 74: 304, 75: 305, 76: 306, 77: 307,
    78: 308, 79: 309, 80: 310, 81: 311, 82: 312, 83: 313, 84: 314, 85: 315, 86: 316, 87: 317, 88: 318, 89: 319,
    90: 320, 91: 321, 92: 322, 93: 323, 95: 324, 96: 325, 97: 326, 98: 327, 99: 328, 100: 329, 101: 330, 102: 331,
    103: 332, 104: 333, 105: 334, 106: 335, 107: 336, 108: 337, 109: 338, 110: 339, 111: 340, 112: 341, 113: 342,
    114: 343, 115: 344, 116: 345, 117: 346, 118: 347, 119: 348, 120: 349, 121: 350, 122: 351, 123: 352, 124: 353,
    125: 354, 126: 355, 127: 356, 128: 357, 129: 358, 130: 359, 131: 360, 132: 361, 133: 362, 134: 363, 135: 364,
    136: 365, 137: 366, 138: 367, 139: 368, 140: 369, 141: 370, 142: 371, 143: 372, 144: 373, 145: 374, 146: 375,
    147: 376, 148: 377, 149: 378, 150: 379, 153: 380, 154: 381, 155: 382, 156: 383, 157: 384, 158: 385, 159: 386,
    160: 387, 161: 388, 162: 389, 163: 390, 165: 391, 166: 392, 167: 393, 169: 394, 170: 395, 171: 396, 172: 397,
    173: 398, 174: 399, 176: 400, 177: 401, 178: 402, 179: 403, 180: 404, 181: 405, 182: 406, 183: 407, 184: 408,
    185: 409, 186: 410, 187: 411, 188: 412, 189: 413, 190: 414, 191: 415, 192: 416, 193: 417, 194: 418, 196: 419,
    198: 420, 201: 421, 202: 422, 203: 423, 204: 424, 205: 425, 206: 426, 207: 427, 208: 428, 209: 429, 210: 430,
    211: 431, 212: 432, 213: 433, 214: 434, 215: 435, 216: 436, 217: 437, 218: 438, 219: 439, 220: 440, 221: 441,
    222: 442, 223: 443, 224: 444, 225: 445, 226: 446, 227: 447, 228: 448, 229: 449, 230: 450, 231: 451, 232: 452,
    233: 453, 234: 454, 235: 455, 236: 456, 237: 457, 238: 458, 239: 459, 240: 460, 241: 461, 242: 462, 243: 463,
    244: 464, 245: 465, 246: 466, 247: 467, 468: 473, 469: 476, 470: 475, 471: 474, 472: 477,
}  # fmt: skip
MIRROR478 = np.arange(POINTS)
"""The point on the other side of each point; points of the middle line are their own."""
for _right, _left in _PAIRED.items():
    MIRROR478[_right], MIRROR478[_left] = _left, _right
