// A real OpenID provider for tests. Its one argument is a JSON file: {"issuer", "port", "certificate", "key", "clients", "keys", "people"}.
// Who signs in is said by the header X-Person of the request for the sign-in page; "people" names a file, read each time, that has the
// claims of each, and `amr` and `acr` of the sign-in. Somebody who is not in it is refused. With "light" claims of people are not in ID
// tokens; what it says of them at /me is {"status", "type", "body"} of the file "userinfo" instead, while there is one.
import fs from "node:fs";
import https from "node:https";
import Provider from "oidc-provider";

const settings = JSON.parse(fs.readFileSync(process.argv[2], "utf8"));
const people = () => JSON.parse(fs.readFileSync(settings.people, "utf8"));

const provider = new Provider(settings.issuer, {
  clients: settings.clients,
  jwks: { keys: settings.keys },
  cookies: { keys: ["of tests"] },
  conformIdTokenClaims: settings.light,
  features: { devInteractions: { enabled: false } },
  enabledJWA: { idTokenSigningAlgValues: ["RS256", "PS256", "ES256", "HS256"] },
  pkce: { required: () => true },
  claims: { openid: ["sub", "acr", "amr"], email: ["email", "email_verified"], profile: ["preferred_username", "groups"] },
  interactions: { url: (context, interaction) => `/sign-in/${interaction.uid}` },
  findAccount: (context, id) => ({ accountId: id, claims: () => ({ ...Object.values(people()).find((p) => p.claims.sub === id).claims }) }),
  loadExistingGrant: async (context) => {
    const grant = new context.oidc.provider.Grant({ clientId: context.oidc.client.clientId, accountId: context.oidc.session.accountId });
    grant.addOIDCScope("openid profile email");
    await grant.save();
    return grant;
  },
});

async function signIn(request, response) {
  const person = people()[request.headers["x-person"]];
  const result = person ? { login: { accountId: person.claims.sub, amr: person.amr, acr: person.acr, ts: person.signed_in } }
    : { error: "access_denied", error_description: "nobody of this name" };
  await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
}

function sayOther(response) {
  const said = JSON.parse(fs.readFileSync(settings.userinfo, "utf8"));
  response.writeHead(said.status, { "Content-Type": said.type });
  response.end(said.body);
}

const answer = provider.callback();
https.createServer({ cert: fs.readFileSync(settings.certificate), key: fs.readFileSync(settings.key) }, (request, response) => {
  if (request.url === "/me" && fs.existsSync(settings.userinfo)) return sayOther(response);
  if (!request.url.startsWith("/sign-in/")) return answer(request, response);
  return signIn(request, response).catch((error) => { response.writeHead(500); response.end(String(error)); });
}).listen(settings.port, "127.0.0.1");
