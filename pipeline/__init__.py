"""What is done to sound: functions from arrays and files to arrays and files. Imports only `models`."""
