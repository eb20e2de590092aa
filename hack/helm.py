#!/usr/bin/env python3
"""The Helm engine at the command line, for machines without the helm binary.

It is Helm's own Go library, as packaged by helm-python-sdk; hack/setup installs it under .build/tools. The words and
flags are helm's, as far as the tests and the demo need them.
"""

import argparse
import json
import sys

import helm_python as helm


def merged(base, extra):
    """Values as helm merges them: maps by key, anything else replaced."""
    result = dict(base)
    for key, value in extra.items():
        old = result.get(key)
        result[key] = merged(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return result


def values(arguments):
    result = {}
    for path in arguments.values or []:
        with open(path, encoding="utf-8") as file:
            result = merged(result, helm.values_from_yaml(file.read()))
    for expression in arguments.set or []:
        result = merged(result, helm.parse_set_string(expression))
    return result


# Helm installs in this order; what it does not name comes last.
ORDER = ["Namespace", "ServiceAccount", "Secret", "ConfigMap", "CustomResourceDefinition", "ClusterRole", "ClusterRoleBinding",
         "Role", "RoleBinding", "Service", "Deployment"]


def documents(templates):
    """The manifests of a rendering, one (kind, text) each, in install order."""
    result = []
    for path in sorted(templates):
        if path.endswith("NOTES.txt"):
            continue
        for part in templates[path].split("\n---"):
            text = part.removeprefix("---").strip("\n")
            kinds = [line.removeprefix("kind:").strip() for line in text.splitlines() if line.startswith("kind:")]
            if kinds:
                result.append((kinds[0], f"# Source: {path}\n{text}\n"))
    return sorted(result, key=lambda entry: ORDER.index(entry[0]) if entry[0] in ORDER else len(ORDER))


def template(arguments):
    with helm.Chart.load(arguments.chart) as chart:
        given = values(arguments)
        chart.validate_schema(given)
        rendered = chart.render(given, name=arguments.name, namespace=arguments.namespace)
    for _, text in documents(rendered):
        print(f"---\n{text}", end="")


def connect(arguments):
    return helm.Config(kubeconfig_path=arguments.kubeconfig, namespace=arguments.namespace)


def summary(release):
    print(f"NAME: {release['name']}")
    print(f"NAMESPACE: {release['namespace']}")
    print(f"STATUS: {release['status']}")
    print(f"REVISION: {release['revision']}")
    if release.get("notes"):
        print(f"NOTES:\n{release['notes'].rstrip()}")


def install(arguments):
    with connect(arguments) as cluster:
        summary(cluster.install(
            arguments.chart, arguments.name, values(arguments), namespace=arguments.namespace, timeout=arguments.timeout,
            wait="watcher" if arguments.wait else None, create_namespace=arguments.create_namespace))


def upgrade(arguments):
    with connect(arguments) as cluster:
        summary(cluster.upgrade(
            arguments.chart, arguments.name, values(arguments), namespace=arguments.namespace, timeout=arguments.timeout,
            wait="watcher" if arguments.wait else None, reuse_values=arguments.reuse_values))


def uninstall(arguments):
    with connect(arguments) as cluster:
        result = cluster.uninstall(arguments.name, timeout=arguments.timeout, wait="watcher" if arguments.wait else None)
    if result.get("info"):
        print(result["info"].rstrip())
    print(f'release "{arguments.name}" uninstalled')


def listing(arguments):
    with connect(arguments) as cluster:
        json.dump(cluster.list(), sys.stdout)


def lint(arguments):
    result = helm.lint(arguments.chart)
    # Severity 1 is advice, such as a missing icon.
    findings = [message for message in result["messages"] if message["severity"] > 1]
    for finding in findings:
        print(f"{finding['path']}: {finding['error']}", file=sys.stderr)
    if findings:
        sys.exit(1)


def parser():
    result = argparse.ArgumentParser(prog="helm", description=__doc__)
    commands = result.add_subparsers(dest="command", required=True)

    def command(name, run, chart=False, release=False, valued=False, connected=False):
        entry = commands.add_parser(name)
        entry.set_defaults(run=run)
        if release:
            entry.add_argument("name")
        if chart:
            entry.add_argument("chart")
        if valued:
            entry.add_argument("-f", "--values", action="append")
            entry.add_argument("--set", action="append")
        entry.add_argument("-n", "--namespace", default="default")
        if connected:
            entry.add_argument("--kubeconfig")
            entry.add_argument("--timeout", type=int, default=120, help="seconds")
            entry.add_argument("--wait", action="store_true")
        return entry

    command("template", template, chart=True, release=True, valued=True)
    command("install", install, chart=True, release=True, valued=True, connected=True).add_argument(
        "--create-namespace", action="store_true")
    command("upgrade", upgrade, chart=True, release=True, valued=True, connected=True).add_argument(
        "--reuse-values", action="store_true")
    command("uninstall", uninstall, release=True, connected=True)
    command("list", listing, connected=True)
    command("lint", lint, chart=True)
    return result


if __name__ == "__main__":
    arguments = parser().parse_args()
    try:
        arguments.run(arguments)
    except helm.HelmError as error:
        sys.exit(f"Error: {error}")
