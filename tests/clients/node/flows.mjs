// npm's openid-client (on oauth4webapi) at the gateway: each flow ends with the protected call through Envoy.
// Arguments: the gateway's URL, the URL of the person at the browser (tests/src/sample/remote.rs), a file with a key, the
// id of a client that proves itself with it, the secret of the client `<id>-hmac`, and an initial access token.

import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import * as client from 'openid-client'

const [gateway, person, keyFile, clientWithKey, hmacSecret, initialAccessToken] = process.argv.slice(2)
const insecure = { execute: [client.allowInsecureRequests], algorithm: 'oauth2' }
const discover = (id, secret, auth) => client.discovery(new URL(gateway), id, secret, auth, insecure)

const call = async (config, tokens, options) => {
  const url = new URL('/orders/1', gateway)
  const answer = await client.fetchProtectedResource(config, tokens.access_token, url, 'GET', undefined, undefined, options)
  assert.equal(answer.status, 200, await answer.clone().text())
  return (await answer.json()).headers
}

// The person visits a link, and comes back to the client with this URL.
const redirectUri = async () => (await fetch(`${person}/redirect_uri`)).text()
const visit = async (url) => {
  const answer = await fetch(`${person}/visit`, { method: 'POST', body: url.href })
  assert.equal(answer.status, 200, await answer.clone().text())
  return new URL(await answer.text())
}

const signingKey = async () => {
  const pem = await readFile(keyFile, 'utf8')
  const der = Buffer.from(pem.replace(/-----.*-----|\s/g, ''), 'base64')
  return crypto.subtle.importKey('pkcs8', der, { name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign'])
}

const flows = {
  async client_credentials() {
    const config = await discover('demo-client-credentials', 'demo-client-credentials-secret')
    const tokens = await client.clientCredentialsGrant(config, { scope: 'orders:read' })
    assert.equal(tokens.scope, 'orders:read')
    const seen = await call(config, tokens)
    assert.equal(seen['x-auth-client'], 'demo-client-credentials')
  },

  async secret_in_the_form() {
    const secret = 'demo-client-credentials-secret'
    const config = await discover('demo-client-credentials', secret, client.ClientSecretPost(secret))
    await call(config, await client.clientCredentialsGrant(config, {}))
  },

  async client_secret_jwt() {
    const config = await discover(`${clientWithKey}-hmac`, hmacSecret, client.ClientSecretJwt(hmacSecret))
    const seen = await call(config, await client.clientCredentialsGrant(config, {}))
    assert.equal(seen['x-auth-client'], `${clientWithKey}-hmac`)
  },

  async private_key_jwt() {
    const config = await discover(clientWithKey, undefined, client.PrivateKeyJwt(await signingKey()))
    await call(config, await client.clientCredentialsGrant(config, { scope: 'orders:read' }))
  },

  async code_pkce_refresh_introspect_revoke() {
    const config = await discover('demo-refresh', 'demo-refresh-secret')
    const verifier = client.randomPKCECodeVerifier()
    const state = client.randomState()
    const redirect_uri = await redirectUri()
    const url = client.buildAuthorizationUrl(config, {
      redirect_uri, state, scope: 'orders:read',
      code_challenge: await client.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256',
    })
    const back = await visit(url)
    const tokens = await client.authorizationCodeGrant(config, back, { pkceCodeVerifier: verifier, expectedState: state })
    await call(config, tokens)
    const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token)
    assert.notEqual(refreshed.refresh_token, tokens.refresh_token)
    await call(config, refreshed)
    assert.equal((await client.tokenIntrospection(config, refreshed.access_token)).active, true)
    await client.tokenRevocation(config, refreshed.refresh_token)
    assert.equal((await client.tokenIntrospection(config, refreshed.access_token)).active, false)
    await assert.rejects(client.refreshTokenGrant(config, refreshed.refresh_token), { error: 'invalid_grant' })
    await assert.rejects(
      client.authorizationCodeGrant(config, back, { pkceCodeVerifier: verifier, expectedState: state }),
      { error: 'invalid_grant' },
    )
  },

  async pushed_request() {
    const config = await discover('demo-authorization-code', 'demo-authorization-code-secret')
    const verifier = client.randomPKCECodeVerifier()
    const state = client.randomState()
    const url = await client.buildAuthorizationUrlWithPAR(config, {
      redirect_uri: await redirectUri(), state, scope: 'orders:read',
      code_challenge: await client.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256',
    })
    assert.ok(url.searchParams.get('request_uri').startsWith('urn:ietf:params:oauth:request_uri:'))
    const back = await visit(url)
    await call(config, await client.authorizationCodeGrant(config, back, { pkceCodeVerifier: verifier, expectedState: state }))
  },

  async signed_request() {
    const key = await signingKey()
    const config = await discover(clientWithKey, undefined, client.PrivateKeyJwt(key))
    const verifier = client.randomPKCECodeVerifier()
    const state = client.randomState()
    const url = await client.buildAuthorizationUrlWithJAR(config, {
      redirect_uri: await redirectUri(), state, scope: 'orders:read',
      code_challenge: await client.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256',
    }, key)
    assert.deepEqual([...url.searchParams.keys()].sort(), ['client_id', 'request'])
    const back = await visit(url)
    await call(config, await client.authorizationCodeGrant(config, back, { pkceCodeVerifier: verifier, expectedState: state }))
  },

  async token_exchange() {
    const type = 'urn:ietf:params:oauth:token-type:access_token'
    const old = await discover('demo-password', 'demo-password-secret')
    const person = { username: 'alice', password: 'alice-demo-password', scope: 'orders:read orders:write' }
    const subject = await client.genericGrantRequest(old, 'password', person)
    const config = await discover('demo-token-exchange', 'demo-token-exchange-secret')
    const tokens = await client.genericGrantRequest(config, 'urn:ietf:params:oauth:grant-type:token-exchange', {
      subject_token: subject.access_token, subject_token_type: type, scope: 'orders:read',
    })
    assert.equal(tokens.issued_token_type, type)
    const seen = await call(config, tokens)
    assert.deepEqual([seen['x-auth-client'], seen['x-auth-scope']], ['demo-token-exchange', 'orders:read'])
  },

  async signed_introspection() {
    const metadata = { client_secret: 'demo-token-info-secret', introspection_signed_response_alg: 'ES256' }
    const config = await discover('demo-token-info', metadata)
    const tokens = await client.clientCredentialsGrant(config, {})
    const told = await client.tokenIntrospection(config, tokens.access_token)
    assert.deepEqual([told.active, told.client_id], [true, 'demo-token-info'])
  },

  async dynamic_registration() {
    const metadata = {
      client_name: 'Registered by itself', scope: 'orders:read',
      grant_types: ['client_credentials'], response_types: [], token_endpoint_auth_method: 'client_secret_post',
    }
    const options = { ...insecure, initialAccessToken }
    const config = await client.dynamicClientRegistration(new URL(gateway), metadata, undefined, options)
    const registered = config.clientMetadata()
    const seen = await call(config, await client.clientCredentialsGrant(config, {}))
    assert.equal(seen['x-auth-client'], registered.client_id)
    const again = client.dynamicClientRegistration(new URL(gateway), metadata, undefined, options)
    await assert.rejects(again, (error) => error.status === 401 || error.cause?.status === 401)
  },

  async device() {
    const config = await discover('demo-device', undefined, client.None())
    const codes = await client.initiateDeviceAuthorization(config, { scope: 'orders:read' })
    const agreeing = fetch(`${person}/device`, { method: 'POST', body: codes.verification_uri_complete })
    const tokens = await client.pollDeviceAuthorizationGrant(config, codes)
    assert.equal((await agreeing).status, 200)
    await call(config, tokens)
  },

  async dpop() {
    const config = await discover('demo-client-credentials', 'demo-client-credentials-secret')
    const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair())
    const tokens = await client.clientCredentialsGrant(config, {}, { DPoP })
    assert.equal(tokens.token_type, 'dpop')
    const introspected = await client.tokenIntrospection(config, tokens.access_token)
    assert.ok(introspected.cnf.jkt)
    const seen = await call(config, tokens, { DPoP })
    assert.equal(seen['x-auth-client'], 'demo-client-credentials')
    assert.equal(seen.dpop, undefined)

    // Proofs as the library makes them, kept instead of sent (RFC 9449 §4.3, §7.1).
    const proof = async (method, path, token) => {
      const kept = await client.discovery(new URL(gateway), 'demo-client-credentials', undefined, client.None(), insecure)
      let headers
      kept[client.customFetch] = async (_, options) => {
        headers = new Headers(options.headers)
        return new Response()
      }
      await client.fetchProtectedResource(kept, token, new URL(path, gateway), method, undefined, undefined, { DPoP })
      return headers.get('dpop')
    }
    const send = async (headers, path = '/orders/1') => {
      const answer = await fetch(new URL(path, gateway), { headers })
      return [answer.status, answer.headers.get('www-authenticate') ?? '']
    }
    const refused = ([status, challenge], error, scheme = 'DPoP') => {
      assert.equal(status, 401, challenge)
      assert.match(challenge, new RegExp(`${scheme} .*error="${error}"`))
    }
    const [token, authorization] = [tokens.access_token, `DPoP ${tokens.access_token}`]
    const once = await proof('GET', '/orders/1', token)
    assert.deepEqual(await send({ authorization, dpop: once }), [200, ''])
    refused(await send({ authorization, dpop: once }), 'invalid_dpop_proof')
    refused(await send({ authorization, dpop: await proof('GET', '/orders/2', token) }), 'invalid_dpop_proof')
    refused(await send({ authorization, dpop: await proof('POST', '/orders/1', token) }), 'invalid_dpop_proof')
    refused(await send({ authorization, dpop: await proof('GET', '/orders/1', 'another') }), 'invalid_dpop_proof')
    refused(await send({ authorization }), 'invalid_dpop_proof')
    const asBearer = { authorization: `Bearer ${token}` }
    refused(await send(asBearer), 'invalid_token', 'Bearer')
    refused(await send({ ...asBearer, dpop: await proof('GET', '/orders/1', token) }), 'invalid_token', 'Bearer')
    // A proof by another key is none for this token.
    const theirs = client.getDPoPHandle(config, await client.randomDPoPKeyPair())
    await assert.rejects(call(config, tokens, { DPoP: theirs }), (error) => error.status === 401)
  },
}

for (const [name, flow] of Object.entries(flows)) {
  try {
    await flow()
    console.log(`ok ${name}`)
  } catch (error) {
    console.log(`FAILED ${name}: ${error.stack ?? error} ${JSON.stringify(error.cause ?? null)}`)
    process.exitCode = 1
  }
}
