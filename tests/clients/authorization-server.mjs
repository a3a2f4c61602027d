/**
 * An authorization server that this project did not write (oidc-provider, certified for OpenID Connect), with the paths
 * and the two extra members of a token response that Salesforce has, and an org behind it that takes its tokens.
 *
 * Usage: node authorization-server.mjs REDIRECT_URL ORG_ID. Prints its address when it is ready. For the test alone:
 * POST /test/expire ends all access tokens, POST /test/end ends all sign-ins, GET /test/seen tells what arrived.
 */
import { createServer } from 'node:http';
import { Provider } from 'oidc-provider';

const [redirectUrl, orgId] = process.argv.slice(2);
const server = createServer();
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const url = `http://127.0.0.1:${server.address().port}`;

const provider = new Provider(url, {
  clients: [
    {
      client_id: 'PlatformCLI',
      application_type: 'native',
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      redirect_uris: [redirectUrl],
    },
  ],
  routes: {
    authorization: '/services/oauth2/authorize',
    token: '/services/oauth2/token',
    revocation: '/services/oauth2/revoke',
    userinfo: '/services/oauth2/userinfo',
  },
  scopes: ['openid', 'api', 'refresh_token'],
  pkce: { required: () => true },
  features: { devInteractions: { enabled: true }, revocation: { enabled: true } },
  issueRefreshToken: () => true,
  rotateRefreshToken: true,
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
});

const accessTokens = new Set();
const grants = new Set();
const seen = { delivered: 0, refused: 0, tokens: [] };
provider.on('access_token.saved', (token) => {
  accessTokens.add(token);
  grants.add(token.grantId);
});

/** The account of a request's token, if the server knows it. */
async function account(ctx) {
  const bearer = ctx.get('authorization').replace(/^Bearer /, '');
  const token = bearer === '' ? undefined : await provider.AccessToken.find(bearer);
  return token?.accountId;
}

/** What an org answers, beside its authorization server. */
async function org(ctx) {
  const who = await account(ctx);
  if (who === undefined) {
    seen.refused += 1;
    ctx.status = 401;
    ctx.body = [{ errorCode: 'INVALID_SESSION_ID', message: 'Session expired or invalid' }];
  } else if (ctx.path.startsWith('/id/')) {
    ctx.body = { organization_id: orgId, username: who };
  } else if (ctx.path.endsWith('/limits')) {
    ctx.body = { DailyApiRequests: { Max: 1000, Remaining: 990 } };
  } else if (ctx.method === 'POST' && ctx.path.endsWith('/delivery/sync')) {
    seen.delivered += 1;
    ctx.body = { success: true };
  } else {
    ctx.status = ctx.path.endsWith('/delivery/sync') ? 405 : 404;
    ctx.body = [];
  }
}

async function control(ctx) {
  if (ctx.path === '/test/expire') {
    for (const token of accessTokens) await token.destroy();
  } else if (ctx.path === '/test/end') {
    for (const token of accessTokens) await token.destroy();
    for (const id of grants) await provider.RefreshToken.revokeByGrantId(id);
  }
  ctx.body = seen;
}

provider.use(async (ctx, next) => {
  if (ctx.path.startsWith('/test/')) return control(ctx);
  if (/^\/(id\/|services\/(data|apexrest)\/)/.test(ctx.path)) return org(ctx);
  await next();
  if (ctx.oidc?.route === 'token') {
    seen.tokens.push(`${ctx.oidc.params?.grant_type} ${ctx.status}`);
    if (ctx.status === 200) {
      ctx.body = { ...ctx.body, id: `${url}/id/${orgId}/005000000000001AAA`, instance_url: url };
    }
  }
});

server.on('request', provider.callback());
console.log(url);
