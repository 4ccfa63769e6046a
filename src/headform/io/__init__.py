"""Files: photos aside, everything that is read from and written to disk.

Import the modules themselves; this file stays empty because the child processes of the readers import it and must not
pull in torch.
"""
