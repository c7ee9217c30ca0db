"""Student code behind walls, forked warm from a process that has imported the heavy packages."""
