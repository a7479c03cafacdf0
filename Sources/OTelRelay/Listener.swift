import OTelRegion
