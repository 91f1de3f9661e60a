# SPDX-License-Identifier: Apache-2.0
"""Debian's packages in a container with ids of its own: installed inside, and at work."""

INSTALL = """
export DEBIAN_FRONTEND=noninteractive
printf '#!/bin/sh\\nexit 101\\n' >/usr/sbin/policy-rc.d
chmod +x /usr/sbin/policy-rc.d
apt-get update -qq
apt-get install -y -qq --no-install-recommends nginx-light redis-server openssh-server cron \\
    postgresql iputils-ping libcap2-bin >/var/log/installed 2>&1 ||
    { tail -n 30 /var/log/installed; false; }
"""

# Each line says what has worked.
SERVE = r"""
ok() { echo "$1"; }
nginx
exec 3<>/dev/tcp/127.0.0.1/80
printf 'GET / HTTP/1.0\r\n\r\n' >&3
grep -q 'Welcome to nginx' <&3 && ok nginx
su redis -s /bin/sh -c 'redis-server --daemonize yes --dir /var/lib/redis' >/dev/null
until redis-cli ping >/dev/null 2>&1; do read -t 0.05 <> <(:) || :; done
redis-cli set key value >/dev/null && test "$(redis-cli get key)" = value && ok redis
mkdir -p /run/sshd /root/.ssh
/usr/sbin/sshd
ssh-keygen -q -t ed25519 -N '' -f /root/.ssh/id
cp /root/.ssh/id.pub /root/.ssh/authorized_keys
ssh -i /root/.ssh/id -o StrictHostKeyChecking=no -o BatchMode=yes root@127.0.0.1 'echo sshd' \
    2>/dev/null
pg_ctlcluster 15 main start
su postgres -c "psql -tAc 'select 40 + 2'" | grep -qx 42 && ok postgresql
cron && pgrep -x cron >/dev/null && ok cron
su nobody -s /bin/sh -c 'ping -c1 127.0.0.1' >/dev/null && ok ping
cp /bin/true /usr/bin/able && setcap cap_net_raw+ep /usr/bin/able && getcap /usr/bin/able |
    grep -q cap_net_raw=ep && su nobody -s /bin/sh -c able && ok capabilities
useradd -m somebody && su somebody -c 'touch ~/file && stat -c %U ~/file' | grep -qx somebody &&
    ok users
"""

WORKED = ["nginx", "redis", "sshd", "postgresql", "cron", "ping", "capabilities", "users"]


def test_packages_install_and_services_run_with_ids_of_their_own(cay, debian, no_leaks, tmp_path):
    (tmp_path / "install").write_text(INSTALL, encoding="ascii")
    (tmp_path / "serve").write_text(SERVE, encoding="ascii")
    cay("run", "--name", "made", "--network", "host", "--userns", "auto",
        "-v", f"{tmp_path}/install:/install:ro", "-v", "/etc/resolv.conf:/etc/resolv.conf:ro",
        debian, "sh", "-e", "/install", check=True, timeout=300)
    cay("commit", "made", "services", check=True)
    cay("rm", "made", check=True)
    served = cay("run", "--rm", "-v", f"{tmp_path}/serve:/serve:ro", "services", "bash", "-e",
                 "/serve", timeout=120)
    assert served.returncode == 0 and served.stdout.split() == WORKED, str(served)
