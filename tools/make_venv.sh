#!/bin/sh
# make_venv.sh PYTHON FOLDER: makes the virtual environment FOLDER, or says in one sentence what this machine lacks.
set -eu
python=$1
folder=$2

complain() {
    echo "$1" >&2
    exit 1
}

command -v "$python" >/dev/null 2>&1 ||
    complain "Vizit needs Python 3.11 or newer and there is no $python here: install the package python3-venv, which brings it, or name another interpreter with make PYTHON=…"

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null ||
    complain "Vizit needs Python 3.11 or newer and $python is $("$python" --version 2>&1): install a newer one with its venv package (such as python3.11-venv) and name it with make PYTHON=python3.11"

"$python" -c 'import venv, ensurepip' 2>/dev/null ||
    complain "$python cannot make virtual environments here: install the package python3-venv and run make again"

"$python" -m venv --clear "$folder" || {
    rm -rf "$folder"
    complain "$python could not make the virtual environment $folder: install the package python3-venv and run make again"
}
