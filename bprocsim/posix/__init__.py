"""What any Unix node has: files, programs, processes and streams; it knows no cluster and no resource set."""
