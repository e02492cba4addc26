"""Known changes of pictures, with severities: what duplicate finding, encoders and quality rules are measured against."""
