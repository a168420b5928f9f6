// What the programs beside this one share. Their arguments: the gateway's URL, the URL of the person at the browser
// (tests/src/sample/remote.rs), a file with a key, the id of a client that proves itself with it, and more of their own.

import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import * as client from 'openid-client'

export const [gateway, person, keyFile, clientWithKey, ...more] = process.argv.slice(2)
export const insecure = { execute: [client.allowInsecureRequests], algorithm: 'oauth2' }
export const discover = (id, secret, auth) => client.discovery(new URL(gateway), id, secret, auth, insecure)
export const withKey = async (id = clientWithKey) => discover(id, undefined, client.PrivateKeyJwt(await signingKey()))

export const signingKey = async () => {
  const pem = await readFile(keyFile, 'utf8')
  const der = Buffer.from(pem.replace(/-----.*-----|\s/g, ''), 'base64')
  return crypto.subtle.importKey('pkcs8', der, { name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign'])
}

// The protected call; the headers that the service saw.
export const call = async (config, tokens, options, path = '/orders/1') => {
  const url = new URL(path, gateway)
  const answer = await client.fetchProtectedResource(config, tokens.access_token, url, 'GET', undefined, undefined, options)
  assert.equal(answer.status, 200, await answer.clone().text())
  return (await answer.json()).headers
}

// What the filter says when it refuses a call: the status, and each challenge (RFC 9110 section 11.6.1).
export const refused = async (config, tokens, path = '/orders/1', options = undefined) => {
  const url = new URL(path, gateway)
  const call = client.fetchProtectedResource(config, tokens.access_token, url, 'GET', undefined, undefined, options)
  const error = await call.then(() => assert.fail(`${path} was let through`), (error) => error)
  assert.ok(Array.isArray(error.cause), `${error.stack}`)
  return { status: error.status, challenges: error.cause }
}

// A revocation reaches the filter in a moment; how soon is measured elsewhere.
export const refusedSoon = async (config, tokens) => {
  for (const end = Date.now() + 5000; ;) {
    const answer = await fetch(new URL('/orders/1', gateway), { headers: { authorization: `Bearer ${tokens.access_token}` } })
    if (answer.status === 401) return assert.match(answer.headers.get('www-authenticate'), /error="invalid_token"/)
    assert.ok(Date.now() < end, `it still answers ${answer.status}`)
  }
}

// A native app's way to be told (RFC 8252 section 7.3): it listens on loopback, at a port that nobody knew before. The
// answer comes as the client library takes it: as a URL, or as a Request where it was posted.
export const listen = async () => {
  let resolve
  const answer = new Promise((arrived) => { resolve = arrived })
  const server = createServer(async (request, response) => {
    const url = new URL(request.url, origin)
    const chunks = []
    for await (const chunk of request) chunks.push(chunk)
    const body = Buffer.concat(chunks).toString()
    if (url.pathname === '/fragment') resolve(new URL(`/callback${body}`, origin))
    else if (request.method === 'POST') resolve(new Request(url, { method: 'POST', headers: request.headers, body }))
    else if (url.search) resolve(url)
    response.setHeader('content-type', 'text/html').end(BACK)
  })
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening))
  // It waits for the person only where somebody visits.
  server.unref()
  const origin = `http://127.0.0.1:${server.address().port}`
  const visit = async (url) => {
    const done = await fetch(`${person}/visit?client=${encodeURIComponent(origin)}`, { method: 'POST', body: url.href })
    assert.equal(done.status, 200, await done.text())
    server.close()
    return answer
  }
  return { redirect_uri: `${origin}/callback`, visit }
}

// What is in a fragment reaches a server only through a script; the person's browser may go when it is done.
const BACK = `<!doctype html><title>Back at the client</title><p>You are back at the client.</p><script>
  const done = () => { document.body.id = 'done' }
  if (location.hash) fetch('/fragment', { method: 'POST', body: location.hash }).then(done)
  else done()
</script>`

// A code flow with PKCE and state, up to the answer; `build` is how the library makes the link.
export const authorize = async (config, parameters, build = client.buildAuthorizationUrl) => {
  const { redirect_uri, visit } = await listen()
  const checks = { pkceCodeVerifier: client.randomPKCECodeVerifier(), expectedState: client.randomState() }
  const url = await build(config, {
    redirect_uri, state: checks.expectedState, scope: 'orders:read',
    code_challenge: await client.calculatePKCECodeChallenge(checks.pkceCodeVerifier), code_challenge_method: 'S256',
    ...parameters,
  })
  return { url, checks, back: await visit(url) }
}

// The whole of it.
export const signIn = async (config, parameters, build, atToken, options) => {
  const { checks, back } = await authorize(config, parameters, build)
  return client.authorizationCodeGrant(config, back, checks, atToken, options)
}

export const run = async (flows) => {
  for (const [name, flow] of Object.entries(flows)) {
    try {
      await flow()
      console.log(`ok ${name}`)
    } catch (error) {
      console.log(`FAILED ${name}: ${error.stack ?? error} ${JSON.stringify(error.cause ?? null)}`)
      process.exitCode = 1
    }
  }
}
