"""Reading and writing of files, except photos.

Import the modules themselves; this file stays empty because the child processes of the readers import it and must not
pull in torch.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
