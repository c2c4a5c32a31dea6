"""XCPU as simulated programs: a file server on every node, and two launchers that write into its files.

A session is a directory of the server: who writes a program into it, then arguments, then "exec",
has launched a process there. Source: xcpu-2006.
"""
