"""What the process tests stand on: servers as child processes, raw clients, waiting, a proxy, dumps and write load."""
