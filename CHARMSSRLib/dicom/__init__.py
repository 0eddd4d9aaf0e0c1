"""Back into the hospital: results as DICOM series, and a node that a picture archive can talk to.

Needs pydicom (the extra ``[dicom]``; Slicer ships it), which is imported only where it is used.
"""
