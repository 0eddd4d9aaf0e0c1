"""Reading and writing of files: headers, DICOM folders, outputs that appear only when complete."""
