#!/usr/bin/env bash
# In Node 20, os.networkInterfaces() throws a SystemError in a process that may not open sockets of AF_NETLINK, though its
# documentation names no error.
#
# A server that asks for its addresses when it starts, to print a URL, therefore does not start under systemd's
# `RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX`, which guides to hardening recommend for network services, and for which
# socket() fails with EAFNOSUPPORT. The message names neither the family nor the sandbox: "uv_interface_addresses returned Unknown
# system error 97". The filter here is the one that systemd installs for this family.
set -euo pipefail

node=$(command -v node) || { echo "Debian's package nodejs is missing" >&2; exit 2; }
python=/usr/bin/python3
[ -x "$python" ] || { echo "Debian's package python3 is missing" >&2; exit 2; }
case $(uname -m) in x86_64) socket=41 ;; aarch64) socket=198 ;; *) echo "not for this machine" >&2; exit 2 ;; esac
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

cat >"$folder/sandbox.py" <<'PY'
# Runs a command to which socket(AF_NETLINK, …) fails with EAFNOSUPPORT.
import ctypes, os, struct, sys
def bpf(code, jt, jf, k):
    return struct.pack("HBBI", code, jt, jf, k)
LOAD, EQUAL, RETURN, ALLOW, ERRNO = 0x20, 0x15, 0x06, 0x7FFF0000, 0x00050000
program = ctypes.create_string_buffer(
    bpf(LOAD, 0, 0, 0) + bpf(EQUAL, 0, 3, int(sys.argv[1])) + bpf(LOAD, 0, 0, 16) + bpf(EQUAL, 0, 1, 16)
    + bpf(RETURN, 0, 0, ERRNO | 97) + bpf(RETURN, 0, 0, ALLOW))
class Filter(ctypes.Structure):
    _fields_ = [("size", ctypes.c_ushort), ("code", ctypes.c_void_p)]
libc = ctypes.CDLL(None, use_errno=True)
filter = Filter(6, ctypes.addressof(program))
if libc.prctl(38, 1, 0, 0, 0) or libc.prctl(22, 2, ctypes.byref(filter), 0, 0):
    sys.exit("no seccomp here")
os.execv(sys.argv[2], sys.argv[2:])
PY
cat >"$folder/ask.js" <<'JS'
try {
  console.log(Object.keys(require('node:os').networkInterfaces()).length, 'interfaces');
} catch (error) {
  console.log(`throws ${error.name}: ${error.message}`);
}
JS
outside=$("$node" "$folder/ask.js")
inside=$("$python" "$folder/sandbox.py" "$socket" "$node" "$folder/ask.js")
echo "$("$node" --version): outside $outside; inside $inside"
[[ $outside == *interfaces && $inside == "throws SystemError: "*uv_interface_addresses* ]]
