#!/usr/bin/env python3
"""Records the ClientHellos of the TLS clients on this machine as hex files beside this script.

Each client connects to a socket that reads its hello and closes. A client that isn't installed is left out.
"""
import os, shutil, socket, ssl, subprocess, textwrap, threading

HERE = os.path.dirname(os.path.abspath(__file__))
NAME = "backend.example.test"


def capture(run):
    server = socket.create_server(("127.0.0.1", 0))
    port = server.getsockname()[1]
    client = threading.Thread(target=run, args=(port,))
    client.start()
    connection, _ = server.accept()
    connection.settimeout(5)
    data = b""
    while len(data) < 5 or len(data) < 5 + int.from_bytes(data[3:5], "big"):
        part = connection.recv(65536)
        if not part:
            break
        data += part
    connection.close()
    server.close()
    client.join()
    return data


def command(*arguments):
    def run(port):
        text = [a.replace("PORT", str(port)) for a in arguments]
        subprocess.run(text, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=20)
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
    "node": command("node", "-e", NODE),
}

for name, run in CLIENTS.items():
    program = name.split("-")[0].replace("gnutls", "gnutls-cli").replace("python", "python3")
    if not shutil.which(program):
        print(f"{name}: not installed")
        continue
    data = capture(run)
    with open(os.path.join(HERE, name + ".hex"), "w") as file:
        file.write("\n".join(textwrap.wrap(data.hex(), 120)) + "\n")
    print(f"{name}: {len(data)} bytes")
