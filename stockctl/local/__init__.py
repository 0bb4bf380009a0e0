"""The embedded cloud: an AWS emulator on 127.0.0.1, kept by a supervisor of ours."""
