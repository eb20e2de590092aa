#!/usr/bin/env python3
"""Records the ClientHellos of the TLS clients on this machine as hex files beside this script.

    record.py [NAME...]

Each client connects to a socket that reads its hello and closes. A client that isn't installed is left out.
"""
import os, shutil, socket, ssl, subprocess, sys, tempfile, textwrap, threading

HERE = os.path.dirname(os.path.abspath(__file__))
NAME = "backend.example.test"


def capture(run):
    server = socket.create_server(("127.0.0.1", 0))
    server.settimeout(60)
    port = server.getsockname()[1]
    captured = threading.Event()
    arguments = (port, captured) if run.__code__.co_argcount == 2 else (port,)
    client = threading.Thread(target=run, args=arguments)
    client.start()
    connection, _ = server.accept()
    connection.settimeout(5)
    data = b""
    while len(data) < 5 or len(data) < 5 + int.from_bytes(data[3:5], "big"):
        part = connection.recv(65536)
        if not part:
            break
        data += part
    captured.set()
    connection.close()
    server.close()
    client.join()
    return data


def command(*arguments):
    def run(port):
        text = [a.replace("PORT", str(port)) for a in arguments]
        subprocess.run(text, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=20)
    return run


def until_captured(*arguments, environment={}):
    """A program that would go on trying: it ends when its hello is there."""
    def run(port, captured):
        text = [a.replace("PORT", str(port)) for a in arguments]
        process = subprocess.Popen(
            text, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, **environment},
            start_new_session=True)
        captured.wait(60)
        os.killpg(process.pid, 15)
        process.wait()
    return run


def chromium():
    # Its own resolver's answer, so that it asks for the name and connects here.
    return until_captured(
        "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--user-data-dir=" + tempfile.mkdtemp(),
        f"--host-resolver-rules=MAP {NAME} 127.0.0.1", f"https://{NAME}:PORT/")


def firefox(**preferences):
    profile = tempfile.mkdtemp()
    preferences = {"network.dns.localDomains": NAME, "network.dns.disableIPv6": True, **preferences}
    with open(os.path.join(profile, "user.js"), "w") as file:
        for key, value in preferences.items():
            text = str(value).lower() if isinstance(value, bool) else '"%s"' % value
            file.write('user_pref("%s", %s);\n' % (key.replace("__", "."), text))
    return until_captured("firefox-esr", "--headless", "--profile", profile, f"https://{NAME}:PORT/", environment={"HOME": profile})


GO = textwrap.dedent("""
    package main
    import ("crypto/tls"; "os")
    func main() {
      tls.Dial("tcp", "127.0.0.1:"+os.Args[1], &tls.Config{ServerName: "%s", NextProtos: []string{"h2", "http/1.1"}})
    }
""" % NAME)


def go(settings=""):
    def run(port):
        folder = tempfile.mkdtemp()
        open(os.path.join(folder, "main.go"), "w").write(GO)
        subprocess.run(
            ["go", "run", "main.go", str(port)], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=120,
            env={**os.environ, "GODEBUG": settings, "GOFLAGS": "-mod=mod"})
    return run


def python_ssl(name, alpn, maximum=None):
    def run(port):
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        if alpn:
            context.set_alpn_protocols(alpn)
        if maximum:
            context.maximum_version = maximum
        try:
            with socket.create_connection(("127.0.0.1", port)) as plain:
                context.wrap_socket(plain, server_hostname=name)
        except OSError:
            pass
    return run


JAVA = textwrap.dedent("""
    import javax.net.ssl.*; import java.util.List;
    public class Hello { public static void main(String[] a) throws Exception {
      SSLSocket s = (SSLSocket) SSLSocketFactory.getDefault().createSocket("127.0.0.1", Integer.parseInt(a[0]));
      SSLParameters p = s.getSSLParameters();
      p.setServerNames(List.of(new SNIHostName("%s"))); p.setApplicationProtocols(new String[]{"h2","http/1.1"});
      s.setSSLParameters(p); s.startHandshake(); } }
""" % NAME)


def java(port):
    path = "/tmp/Hello.java"
    open(path, "w").write(JAVA)
    subprocess.run(["java", path, str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60)


NODE = "require('tls').connect({host:'127.0.0.1',port:PORT,servername:'%s',ALPNProtocols:['h2']}).on('error',()=>{})" % NAME

CLIENTS = {
    "openssl": command("openssl", "s_client", "-connect", "127.0.0.1:PORT", "-servername", NAME, "-alpn", "h2,http/1.1"),
    "openssl-mesh-name": command("openssl", "s_client", "-connect", "127.0.0.1:PORT", "-servername", "backend{mesh=default}"),
    "openssl-tls12": command("openssl", "s_client", "-connect", "127.0.0.1:PORT", "-servername", NAME, "-tls1_2"),
    "openssl-tls10": command(
        "openssl", "s_client", "-connect", "127.0.0.1:PORT", "-servername", NAME, "-tls1", "-cipher", "ALL:@SECLEVEL=0"),
    "openssl-no-name": command("openssl", "s_client", "-connect", "127.0.0.1:PORT", "-noservername"),
    "curl": command("curl", "-sk", "--connect-to", f"{NAME}:443:127.0.0.1:PORT", f"https://{NAME}/"),
    "wget": command("wget", "-q", "--tries=1", "--no-check-certificate", "https://localhost:PORT/"),
    "python": python_ssl(NAME, ["h2", "http/1.1"]),
    "python-tls12": python_ssl(NAME, None, ssl.TLSVersion.TLSv1_2),
    "python-ip": python_ssl("127.0.0.1", None),
    "gnutls": command("gnutls-cli", "--insecure", "-p", "PORT", "--sni-hostname", NAME, "--alpn", "h2", "127.0.0.1"),
    "java": java,
    "go": go(),
    "go-no-mlkem": go("tlsmlkem=0,tlssecpmlkem=0"),
    "chromium": chromium(),
    "chromium-2": chromium(),
    "firefox": firefox(),
    "firefox-no-mlkem": firefox(security__tls__enable_kyber=False),
    "node": command("node", "-e", NODE),
    "node24": command("node24", "-e", NODE),
}

PROGRAMS = {"gnutls": "gnutls-cli", "python": "python3", "firefox": "firefox-esr"}
for name, run in CLIENTS.items():
    if len(sys.argv) > 1 and name not in sys.argv[1:]:
        continue
    program = name.split("-")[0]
    program = PROGRAMS.get(program, program)
    if not shutil.which(program):
        print(f"{name}: not installed")
        continue
    data = capture(run)
    with open(os.path.join(HERE, name + ".hex"), "w") as file:
        file.write("\n".join(textwrap.wrap(data.hex(), 120)) + "\n")
    print(f"{name}: {len(data)} bytes")
