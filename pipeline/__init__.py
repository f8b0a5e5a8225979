"""What is done to sound, one folder a subject: functions from arrays and files to arrays and files.

In the order of the sound's way: sound → separation → listening → voices → singing → matching → training → covers; the
models that they run are kept in the pool. Imports only `models` and the bottom room.
"""
