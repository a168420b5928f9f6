// npm's openid-client (on oauth4webapi) at the gateway: each flow ends with the protected call through Envoy.
// Arguments beside gateway.mjs's: the secret of the client `<id>-hmac`, and an initial access token.

import assert from 'node:assert/strict'
import * as client from 'openid-client'
import {
  authorize, call, clientWithKey, discover, gateway, insecure, more, person, refusedSoon, run, signingKey, withKey,
} from './gateway.mjs'

const [hmacSecret, initialAccessToken] = more

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
    const config = await withKey()
    await call(config, await client.clientCredentialsGrant(config, { scope: 'orders:read' }))
  },

  async code_pkce_refresh_introspect_revoke() {
    const config = await discover('demo-refresh', 'demo-refresh-secret')
    const { checks, back } = await authorize(config)
    const tokens = await client.authorizationCodeGrant(config, back, checks)
    await call(config, tokens)
    const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token)
    assert.notEqual(refreshed.refresh_token, tokens.refresh_token)
    await call(config, refreshed)
    assert.equal((await client.tokenIntrospection(config, refreshed.access_token)).active, true)
    await assert.rejects(client.refreshTokenGrant(config, refreshed.refresh_token, { scope: 'orders:write' }), { error: 'invalid_scope' })
    await client.tokenRevocation(config, refreshed.refresh_token)
    assert.equal((await client.tokenIntrospection(config, refreshed.access_token)).active, false)
    // The refresh token took its grant along: neither access token opens anything any more.
    for (const ended of [tokens, refreshed]) await refusedSoon(config, ended)
    await assert.rejects(client.refreshTokenGrant(config, refreshed.refresh_token), { error: 'invalid_grant' })
    await assert.rejects(client.authorizationCodeGrant(config, back, checks), { error: 'invalid_grant' })
  },

  async pushed_request() {
    const config = await discover('demo-authorization-code', 'demo-authorization-code-secret')
    const { url, checks, back } = await authorize(config, {}, client.buildAuthorizationUrlWithPAR)
    assert.ok(url.searchParams.get('request_uri').startsWith('urn:ietf:params:oauth:request_uri:'))
    await call(config, await client.authorizationCodeGrant(config, back, checks))
  },

  async signed_request() {
    const [config, key] = [await withKey(), await signingKey()]
    const sign = (config, parameters) => client.buildAuthorizationUrlWithJAR(config, parameters, key)
    const { url, checks, back } = await authorize(config, {}, sign)
    assert.deepEqual([...url.searchParams.keys()].sort(), ['client_id', 'request'])
    await call(config, await client.authorizationCodeGrant(config, back, checks))
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

    // With an actor (RFC 8693 section 4.1): the token says who acts, and for whom.
    const actor = await client.clientCredentialsGrant(config, {})
    const exchange = (parameters) => client.genericGrantRequest(config, 'urn:ietf:params:oauth:grant-type:token-exchange', {
      subject_token: subject.access_token, subject_token_type: type,
      actor_token: actor.access_token, actor_token_type: type, scope: 'orders:read', ...parameters,
    })
    const delegated = await exchange({})
    const told = await client.tokenIntrospection(config, delegated.access_token)
    const { sub } = await client.tokenIntrospection(config, subject.access_token)
    assert.deepEqual([told.sub, told.act], [sub, { sub: 'demo-token-exchange' }])
    await call(config, delegated)
    await assert.rejects(exchange({ subject_token: 'nobody' }), { error: 'invalid_request' })
    await assert.rejects(exchange({ subject_token: tokens.access_token, scope: 'orders:read orders:write' }), { error: 'invalid_scope' })
    await assert.rejects(exchange({ audience: 'https://elsewhere.example' }), { error: 'invalid_target' })
    // What was exchanged ends with what it was exchanged from; so it does where there is no grant and no person.
    const own = await client.clientCredentialsGrant(config, {})
    const once = await exchange({ subject_token: own.access_token })
    const twice = await exchange({ subject_token: once.access_token })
    await call(config, twice)
    for (const [owner, revoked, ended] of [[old, subject, [tokens, delegated]], [config, own, [once, twice]]]) {
      await client.tokenRevocation(owner, revoked.access_token)
      for (const one of ended) await refusedSoon(config, one)
    }
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

    // It reads, changes and ends its registration (RFC 7592), with the token it got for that.
    const { registration_client_uri: place, registration_access_token: token } = registered
    assert.ok(place.startsWith(gateway))
    const manage = (method, body) => {
      const headers = new Headers(body && { 'content-type': 'application/json' })
      return client.fetchProtectedResource(config, token, new URL(place), method, body && JSON.stringify(body), headers)
    }
    assert.equal((await (await manage('GET')).json()).client_name, metadata.client_name)
    const changed = await manage('PUT', { ...metadata, client_id: registered.client_id, client_name: 'Another name' })
    assert.equal((await changed.json()).client_name, 'Another name')
    const tokens = await client.clientCredentialsGrant(config, {})
    await call(config, tokens)
    assert.equal((await manage('DELETE')).status, 204)
    await refusedSoon(config, tokens)
    await assert.rejects(client.clientCredentialsGrant(config, {}), { error: 'invalid_client' })
    await assert.rejects(manage('GET'), (error) => error.status === 401)
  },

  async misuses() {
    const config = await discover('demo-client-credentials', 'demo-client-credentials-secret')
    const impostor = await discover('demo-client-credentials', 'not its secret')
    await assert.rejects(client.clientCredentialsGrant(impostor, {}), { error: 'invalid_client', status: 401 })
    await assert.rejects(client.clientCredentialsGrant(config, { scope: 'everything' }), { error: 'invalid_scope' })
    await assert.rejects(client.refreshTokenGrant(config, 'none'), { error: 'unauthorized_client' })
    await assert.rejects(client.genericGrantRequest(config, 'urn:example:wish', {}), { error: 'unsupported_grant_type' })
    const web = await discover('demo-authorization-code', 'demo-authorization-code-secret')
    const { checks, back } = await authorize(web)
    // Who has the code alone has nothing (RFC 7636 section 1), and neither has another client (RFC 6749 section 5.2).
    const wrong = { ...checks, pkceCodeVerifier: client.randomPKCECodeVerifier() }
    await assert.rejects(client.authorizationCodeGrant(web, back, wrong), { error: 'invalid_grant' })
    const other = await discover('demo-refresh', 'demo-refresh-secret')
    await assert.rejects(client.authorizationCodeGrant(other, back, checks), { error: 'invalid_grant' })
    // RFC 7009: what is unknown is no mistake, what is another's is one.
    const tokens = await client.clientCredentialsGrant(config, {})
    await client.tokenRevocation(config, 'unknown')
    await assert.rejects(client.tokenRevocation(web, tokens.access_token), { error: 'invalid_grant' })
    await call(config, tokens)
    await client.tokenRevocation(config, tokens.access_token)
    await refusedSoon(config, tokens)
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

await run(flows)
