"""Run three PostgreSQL nodes with automatic failover on this machine: `make cluster`.

Patroni runs each node and keeps one of them the primary; etcd stores which one. Commits wait for one of the two
standbys, so a failover loses nothing that a server has acknowledged. Everything is in one folder, listens only on
127.0.0.1, and ends with the script. A node that was killed starts again as a standby once another has taken over.
"""

import argparse
import signal
import sys
import time
from pathlib import Path
from typing import Final, Never

from scripts.cluster_nodes import NODES, Failed, HighlyAvailable

from appoint.database.cluster import NotStarted

WELCOME: Final = """The cluster is ready. In another terminal:

  export APPOINT_MODE=development APPOINT_DATABASE_URL='{url}'
  .venv/bin/appoint migrate && .venv/bin/appoint serve

Ctrl-C stops the cluster.
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path(".appoint/cluster"))
    parser.add_argument("--port", type=int, default=15432, help="the first of eight ports")
    arguments = parser.parse_args()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    cluster = HighlyAvailable(arguments.folder.absolute(), range(arguments.port, arguments.port + 8))
    try:
        print("Starting three PostgreSQL nodes, which takes about twenty seconds", flush=True)
        cluster.start()
        print(WELCOME.format(url=cluster.url), flush=True)
        watch(cluster)
    except KeyboardInterrupt:
        print("\nStopping", flush=True)
    except (Failed, NotStarted) as error:
        sys.exit(str(error))
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)  # nothing should keep running
        cluster.stop()


def watch(cluster: HighlyAvailable) -> Never:
    """Print each change of a node's role, and start killed nodes again."""
    shown: dict[str, str] = {}
    while True:
        roles = cluster.roles()
        if roles != shown:
            states = (f"{name} {roles.get(name, 'down').replace('_', ' ')}" for name in NODES)
            print(f"{time.strftime('%X')}  {'   '.join(states)}", flush=True)
            if sorted(roles.values()) == ["leader", "replica", "sync_standby"]:
                (leader,) = (name for name in NODES if roles[name] == "leader")
                processes = cluster.processes[leader].pid, cluster.postmaster(leader)
                print("          to lose the primary: kill -9", *processes, flush=True)
            shown = roles
        for name in NODES:  # a killed primary would become the primary again before another has taken over
            if (
                cluster.processes[name].poll() is not None
                and "leader" in roles.values()
                and roles.get(name) != "leader"
            ):
                cluster.start_node(name)
        time.sleep(1)


if __name__ == "__main__":
    main()
