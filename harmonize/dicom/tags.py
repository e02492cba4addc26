"""The elements a scan wants to know: keyword, tag and kind of value, in one table."""

from __future__ import annotations

# keyword: (group << 16 | element). The private ones carry the split of vendors that write no public element for it.
WANTED: dict[str, int] = {
    "SpecificCharacterSet": 0x00080005, "ImageType": 0x00080008, "SOPClassUID": 0x00080016, "SOPInstanceUID": 0x00080018,
    "StudyDate": 0x00080020, "AcquisitionDate": 0x00080022, "AcquisitionTime": 0x00080032, "ContentTime": 0x00080033,
    "Modality": 0x00080060, "Manufacturer": 0x00080070, "InstitutionName": 0x00080080, "SeriesDescription": 0x0008103E,
    "ManufacturerModelName": 0x00081090, "PatientName": 0x00100010, "PatientID": 0x00100020, "PatientBirthDate": 0x00100030,
    "PatientSex": 0x00100040, "PatientAge": 0x00101010, "BodyPartExamined": 0x00180015, "SequenceName": 0x00180024,
    "SliceThickness": 0x00180050, "RepetitionTime": 0x00180080, "EchoTime": 0x00180081, "InversionTime": 0x00180082,
    "EchoNumbers": 0x00180086, "SpacingBetweenSlices": 0x00180088, "ProtocolName": 0x00181030, "TriggerTime": 0x00181060,
    "GantryDetectorTilt": 0x00181120, "ImagerPixelSpacing": 0x00181164, "ViewPosition": 0x00185101,
    "ComplexImageComponent": 0x00089208,
    "StudyInstanceUID": 0x0020000D, "SeriesInstanceUID": 0x0020000E, "SeriesNumber": 0x00200011, "AcquisitionNumber": 0x00200012,
    "InstanceNumber": 0x00200013, "ImagePositionPatient": 0x00200032, "ImageOrientationPatient": 0x00200037,
    "FrameOfReferenceUID": 0x00200052, "Laterality": 0x00200060, "ImageLaterality": 0x00200062,
    "TemporalPositionIdentifier": 0x00200100, "StackID": 0x00209056,
    "SamplesPerPixel": 0x00280002, "PhotometricInterpretation": 0x00280004, "PlanarConfiguration": 0x00280006,
    "NumberOfFrames": 0x00280008, "Rows": 0x00280010, "Columns": 0x00280011, "PixelSpacing": 0x00280030,
    "BitsAllocated": 0x00280100, "BitsStored": 0x00280101, "HighBit": 0x00280102, "PixelRepresentation": 0x00280103,
    "BurnedInAnnotation": 0x00280301, "RescaleIntercept": 0x00281052, "RescaleSlope": 0x00281053,
    "LossyImageCompression": 0x00282110,
    "IssuerOfPatientID": 0x00100021, "OtherPatientIDs": 0x00101000, "OtherPatientNames": 0x00101001, "PatientBirthName": 0x00101005,
    "PatientAddress": 0x00101040, "PatientMotherBirthName": 0x00101060, "MilitaryRank": 0x00101080, "MedicalRecordLocator": 0x00101090,
    "PatientTelephoneNumbers": 0x00102154, "ResponsiblePerson": 0x00102297, "PatientIdentityRemoved": 0x00120062,
    "AccessionNumber": 0x00080050, "InstitutionAddress": 0x00080081, "ReferringPhysicianName": 0x00080090,
    "ReferringPhysicianAddress": 0x00080092, "ReferringPhysicianTelephoneNumbers": 0x00080094, "StationName": 0x00081010,
    "PhysiciansOfRecord": 0x00081048, "PerformingPhysicianName": 0x00081050, "NameOfPhysiciansReadingStudy": 0x00081060,
    "OperatorsName": 0x00081070, "DeviceSerialNumber": 0x00181000, "RequestingPhysician": 0x00321032, "AdmissionID": 0x00380010,
    "DiffusionBValue": 0x00189087, "DiffusionGradientOrientation": 0x00189089, "GEImageComponent": 0x0043102F, "UIHGridCount": 0x00651050,
    "PhilipsScaleSlope": 0x2005100E, "PhilipsBValueNumber": 0x20051412, "PhilipsGradientNumber": 0x20051413,
}
INDEXED = (
    "SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "PatientID", "Modality", "Manufacturer", "SeriesDescription",
    "ProtocolName", "SeriesNumber", "AcquisitionNumber", "InstanceNumber", "BodyPartExamined", "ImageType", "EchoTime", "Rows", "Columns",
    "NumberOfFrames", "PixelSpacing", "SliceThickness", "ImagePositionPatient", "ImageOrientationPatient",
)
"""What an index of files says by default."""
KEYWORD: dict[int, str] = {tag: keyword for keyword, tag in WANTED.items()}
