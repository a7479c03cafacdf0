"""A container as far as it matters here: an image's files, name spaces of its own, a user without capabilities, a read-only root."""

import subprocess
import tempfile

SCRIPT = """
set -eu
lower=$1 top=$2 user=$3 groups=$4
shift 4
mount -t tmpfs none "$top"
mkdir "$top/upper" "$top/work" "$top/root"
cp -rP {image}/. "$top/upper"
mount -t overlay none -o "lowerdir=$lower,upperdir=$top/upper,workdir=$top/work" "$top/root"
mkdir -p {mount_points}
mount -o remount,ro "$top/root"
mount -t proc none "$top/root/proc"
mount --bind /dev "$top/root/dev"
{mounts}
exec chroot "$top/root" setpriv --reuid "${{user%:*}}" --regid "${{user#*:}}" --groups "$groups" \\
    --bounding-set=-all --inh-caps=-all --no-new-privs "$@"
"""


class Container:
    """Starts `command` as process 1. `image` is laid over the root file system `base`; `volumes` maps mount points to folders."""

    def __init__(self, base, image, command, *, user, environment, volumes=None, groups="", **popen):
        volumes = volumes or {}
        self._top = tempfile.mkdtemp(prefix="otel-")
        script = SCRIPT.format(
            image=image,
            mount_points=" ".join([f'"$top/root{point}"' for point in volumes] or ['"$top/root"']),
            mounts="\n".join(f'mount --bind "{folder}" "$top/root{point}"' for point, folder in volumes.items()),
        )
        self._arguments = [base, self._top, user, groups or user.split(":")[1], "env", "-i", *environment, *command]
        # The network is shared, as in a pod and, here, with the receiver.
        self.process = subprocess.Popen(
            ["unshare", "-mpif", "--kill-child", "--propagation", "private", "sh", "-c", script, "sh", *map(str, self._arguments)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}, **popen,
        )  # fmt: skip

    def __enter__(self):
        return self

    def end(self, timeout=60):
        """Its exit status and what it said."""
        said, _ = self.process.communicate(timeout=timeout)
        return self.process.returncode, said

    def first_process(self):
        """Its process 1, as it is known out here."""
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children") as children:
            return int(children.read())

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()
