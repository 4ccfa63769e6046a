"""The default face detector: MTCNN, three small networks in a cascade.

Zhang, Zhang, Li, Qiao 2016, "Joint Face Detection and Alignment using Multitask Cascaded
Convolutional Networks".
"""

from headform.nets.mtcnn.detector import MtcnnDetector as MtcnnDetector
from headform.nets.mtcnn.detector import MtcnnOptions as MtcnnOptions
