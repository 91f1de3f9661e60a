# SPDX-License-Identifier: Apache-2.0
"""A token server for docker-registry: who says the right password gets JSON Web Tokens of RS256.

    with token_server.serve(tmp_path, {"user": "secret"}) as tokens, \
            registries.run(tmp_path / "registry", auth=tokens.auth) as registry:
        tokens.next_lifetimes = [-120]  # expired when it is handed out
"""

import base64
import contextlib
import itertools
import json
import time
import urllib.parse

from harness import certificates, http_servers

SERVICE = "registry of the tests"
LIFETIME = 300


def _base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Tokens:
    """Who may do what, what was asked, and how long the next tokens live."""

    def __init__(self, directory, users):
        self.users = dict(users)
        self.public = ()           # repositories that anybody may pull from
        self.refresh = {}          # refresh token -> user
        self.requests = []         # (method, {parameter: [values]}, Authorization or None)
        self.next_lifetimes = []   # seconds, of the tokens to come; then LIFETIME
        self.issued = []           # tokens, in order
        self.answers = []          # (status, bytes): instead of the next answers
        self.member = "token"      # what the answer calls the token; oauth2: access_token
        self.url = None
        self._numbers = itertools.count()
        self._key = certificates.Authority(directory, "tokens of the tests").root
        self._chain = [base64.b64encode(self._key.der()).decode()]
        self._own = {}

    @property
    def auth(self):
        """docker-registry's settings."""
        return {"token": {"realm": self.url + "/token", "service": SERVICE, "issuer": SERVICE,
                          "rootcertbundle": str(self._key.certificate)}}

    def issue(self, user, scopes, lifetime=None):
        """A token for @user (None: anybody) and as much of @scopes as they may."""
        if lifetime is None:
            lifetime = self.next_lifetimes.pop(0) if self.next_lifetimes else LIFETIME
        now = int(time.time())
        header = {"typ": "JWT", "alg": "RS256", "x5c": self._chain}
        claims = {"iss": SERVICE, "sub": user or "", "aud": SERVICE, "exp": now + lifetime,
                  "nbf": now - 3600, "iat": now - 3600, "jti": str(next(self._numbers)),
                  "access": [self._access(user, scope) for scope in scopes]}
        signed = ".".join(_base64url(json.dumps(part).encode()) for part in (header, claims))
        token = f"{signed}.{_base64url(self._key.sign(signed.encode()))}"
        self.issued.append(token)
        return token

    def _access(self, user, scope):
        kind, _, rest = scope.partition(":")
        name, _, actions = rest.rpartition(":")
        allowed = actions.split(",") if user else ["pull"] if name in self.public else []
        return {"type": kind, "name": name, "actions": allowed}

    def for_registry(self, repository, actions):
        """Registry.token: a way in for the test itself."""
        scope = f"repository:{repository}:{actions}"
        if scope not in self._own:
            self._own[scope] = self.issue("the test", [scope], LIFETIME)
        return self._own[scope]


class _Handler(http_servers.Handler):
    def do_GET(self):  # pylint: disable=invalid-name
        tokens = self.server.tokens
        asked = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
        tokens.requests.append(("GET", asked, self.headers.get("Authorization")))
        if tokens.answers:
            self._json(*tokens.answers.pop(0))
            return
        user = self._user()
        if user is False:
            self._json(401, b'{"errors":[{"code":"UNAUTHORIZED","message":"wrong password"}]}')
            return
        self._grant(user, asked, offline=asked.get("offline_token") == ["true"])

    def do_POST(self):  # pylint: disable=invalid-name
        tokens = self.server.tokens
        asked = urllib.parse.parse_qs(self.body().decode())
        tokens.requests.append(("POST", asked, self.headers.get("Authorization")))
        if tokens.answers:
            self._json(*tokens.answers.pop(0))
            return
        grant = asked.get("grant_type", [""])[0]
        user = None
        if grant == "refresh_token":
            user = tokens.refresh.get(asked.get("refresh_token", [""])[0])
        elif grant == "password":
            name = asked.get("username", [""])[0]
            user = name if tokens.users.get(name) == asked.get("password", [""])[0] else None
        if not user:
            self._json(401, b'{"error":"invalid_grant"}')
            return
        self._grant(user, asked, oauth=True, offline=asked.get("access_type") == ["offline"])

    def _user(self):
        """None: nobody in particular; False: somebody with a wrong password."""
        kind, _, value = (self.headers.get("Authorization") or "").partition(" ")
        if not kind:
            return None
        name, _, password = base64.b64decode(value).decode().partition(":")
        right = kind == "Basic" and self.server.tokens.users.get(name) == password
        return name if right else False

    def _grant(self, user, asked, oauth=False, offline=False):
        tokens = self.server.tokens
        scopes = [scope for text in asked.get("scope", []) for scope in text.split(" ")]
        answer = {"access_token" if oauth else tokens.member: tokens.issue(user, scopes),
                  "expires_in": LIFETIME}
        if offline and user:
            refresh = f"refresh-{user}-{len(tokens.refresh)}"
            tokens.refresh[refresh] = user
            answer["refresh_token"] = refresh
        self._json(200, json.dumps(answer).encode())

    def _json(self, status, body):
        self.answer(status, body, Content_Type="application/json")


@contextlib.contextmanager
def serve(directory, users, context=None):
    """A token server for @users ({name: password}) with its key below @directory."""
    tokens = Tokens(directory, users)
    with http_servers.serve(_Handler, context) as server:
        server.tokens = tokens
        tokens.url, tokens.host = server.url, server.host
        yield tokens
