"""What a derived image keeps of the image it was made from; all that is not named here stays behind.

A list of what may pass is safer than one of what may not: private groups, overlays, curves, icons,
palettes, padding, signatures and whatever a maker invents next are left out without being known.

Source: DICOM PS3.3, A.4 (MR Image), the tables of its modules.
"""

from __future__ import annotations

PATIENT = """
PatientName PatientID IssuerOfPatientID TypeOfPatientID IssuerOfPatientIDQualifiersSequence PatientBirthDate
PatientBirthTime PatientSex OtherPatientNames OtherPatientIDs OtherPatientIDsSequence EthnicGroup PatientComments
PatientSpeciesDescription PatientSpeciesCodeSequence PatientBreedDescription PatientBreedCodeSequence
BreedRegistrationSequence ResponsiblePerson ResponsiblePersonRole ResponsibleOrganization PatientIdentityRemoved
DeidentificationMethod DeidentificationMethodCodeSequence QualityControlSubject
""".split()

STUDY = """
StudyInstanceUID StudyDate StudyTime AccessionNumber IssuerOfAccessionNumberSequence ReferringPhysicianName
ReferringPhysicianIdentificationSequence ConsultingPhysicianName StudyDescription ProcedureCodeSequence
PhysiciansOfRecord NameOfPhysiciansReadingStudy StudyID RequestingService RequestingServiceCodeSequence
ReferencedStudySequence AdmittingDiagnosesDescription PatientAge PatientSize PatientWeight PatientBodyMassIndex
MedicalAlerts Allergies Occupation SmokingStatus AdditionalPatientHistory PregnancyStatus LastMenstrualDate
PatientSexNeutered ReasonForVisit AdmissionID IssuerOfAdmissionIDSequence PatientState
ClinicalTrialSponsorName ClinicalTrialProtocolID ClinicalTrialProtocolName ClinicalTrialSiteID ClinicalTrialSiteName
ClinicalTrialSubjectID ClinicalTrialSubjectReadingID ClinicalTrialTimePointID ClinicalTrialTimePointDescription
ClinicalTrialCoordinatingCenterName
""".split()

SERIES = """
Modality PerformingPhysicianName OperatorsName BodyPartExamined ProtocolName PatientPosition Laterality
AnatomicalOrientationType ReferencedPerformedProcedureStepSequence PerformedProcedureStepStartDate
PerformedProcedureStepStartTime PerformedProcedureStepEndDate PerformedProcedureStepEndTime PerformedProcedureStepID
PerformedProcedureStepDescription PerformedProtocolCodeSequence RequestAttributesSequence
CommentsOnThePerformedProcedureStep FrameOfReferenceUID PositionReferenceIndicator
""".split()

EQUIPMENT = """
Manufacturer InstitutionName InstitutionAddress StationName InstitutionalDepartmentName ManufacturerModelName
DeviceSerialNumber DeviceUID GantryID SoftwareVersions SpatialResolution DateOfLastCalibration TimeOfLastCalibration
""".split()

ACQUISITION = """
AcquisitionDate AcquisitionDateTime AcquisitionTime AcquisitionDuration AcquisitionNumber AcquisitionUID
AnatomicRegionSequence PrimaryAnatomicStructureSequence ImageLaterality QualityControlImage BurnedInAnnotation
RecognizableVisualFeatures LossyImageCompression LossyImageCompressionRatio LossyImageCompressionMethod
PresentationLUTShape ContrastBolusAgent ContrastBolusAgentSequence ContrastBolusAdministrationRouteSequence
ContrastBolusRoute ContrastBolusVolume ContrastBolusStartTime ContrastBolusStopTime ContrastBolusTotalDose
ContrastFlowRate ContrastFlowDuration ContrastBolusIngredient ContrastBolusIngredientConcentration
ScanningSequence SequenceVariant ScanOptions MRAcquisitionType SequenceName AngioFlag RepetitionTime EchoTime
InversionTime NumberOfAverages ImagingFrequency ImagedNucleus EchoNumbers MagneticFieldStrength
NumberOfPhaseEncodingSteps EchoTrainLength PercentSampling PercentPhaseFieldOfView PixelBandwidth TriggerTime
NominalInterval BeatRejectionFlag LowRRValue HighRRValue IntervalsAcquired IntervalsRejected PVCRejection SkipBeats
HeartRate CardiacNumberOfImages TriggerWindow ReconstructionDiameter ReceiveCoilName TransmitCoilName AcquisitionMatrix
InPlanePhaseEncodingDirection FlipAngle VariableFlipAngleFlag SAR dBdt B1rms
SpecificCharacterSet TimezoneOffsetFromUTC ContributingEquipmentSequence
""".split()

KEPT = frozenset(PATIENT + STUDY + SERIES + EQUIPMENT + ACQUISITION)

# What goes with the patient and the study alone: for reports and maps, which are no MR images.
KEPT_OF_THE_STUDY = frozenset([*PATIENT, *STUDY, "SpecificCharacterSet", "TimezoneOffsetFromUTC"])

# Must be there, but may be empty.
MAY_BE_EMPTY = tuple(
    """
    PatientName PatientID PatientBirthDate PatientSex StudyDate StudyTime AccessionNumber ReferringPhysicianName StudyID
    """.split()
)
MR_MAY_BE_EMPTY = (
    *MAY_BE_EMPTY,
    *"""
    PositionReferenceIndicator Manufacturer PatientPosition ScanOptions MRAcquisitionType RepetitionTime EchoTime
    EchoTrainLength
    """.split(),
)

# Kept with whatever they say, even where it does not follow the letter of the standard: who the patient is.
IDENTITY = (
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "AccessionNumber",
    "StudyID",
    "StudyInstanceUID",
)
