"""A node of a hospital's network: receives series, decides by rules, enhances, sends the results on.

All state lies on the disk, in names that only change by renaming: after a kill at any moment a restarted
node goes on where it was. What is where: ``spool``. Needs pynetdicom (the extra ``[dicom]``).
"""
