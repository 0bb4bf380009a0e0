"""The embedded cloud: an AWS emulator on 127.0.0.1, run by a supervisor process."""
