"""Layers draw their first weights from the generator that all threads of a process share."""

import threading

INITIALIZING = threading.Lock()
