"""One file is one verb; the file name is the verb. Modules here import nothing heavy at the top."""
