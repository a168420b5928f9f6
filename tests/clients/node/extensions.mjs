// What is turned on for some clients, with openid-client: at a gateway whose rules ask for it, and that asks for nonces in
// DPoP proofs, as the authserver behind it does. `<id>` may use resources, authorization details and claims of its own;
// `<id>-app` is a public client, `<id>-opaque` has opaque tokens, `<id>-old` has RS256 and refresh tokens that stay, and
// `<id>-strict` must push, sign and bind everything.

import assert from 'node:assert/strict'
import * as client from 'openid-client'
import {
  authorize, call, clientWithKey, discover, gateway, listen, person, refused, refusedSoon, run, signIn, signingKey, withKey,
} from './gateway.mjs'

const REPORTS = 'https://reports.example'
const claims = (tokens) => JSON.parse(Buffer.from(tokens.access_token.split('.')[1], 'base64url'))
const publicClient = () => discover(`${clientWithKey}-app`, undefined, client.None())

// An authorization request that is answered with an error needs no person.
const denied = async (config, parameters) => {
  const redirect_uri = 'http://127.0.0.1:1/callback'
  const state = client.randomState()
  const code_challenge = await client.calculatePKCECodeChallenge(client.randomPKCECodeVerifier())
  const url = client.buildAuthorizationUrl(config, {
    redirect_uri, state, scope: 'orders:read', code_challenge, code_challenge_method: 'S256', ...parameters,
  })
  const answer = await fetch(url, { redirect: 'manual' })
  assert.equal(answer.status, 303, await answer.text())
  return client.authorizationCodeGrant(config, new URL(answer.headers.get('location')), { expectedState: state })
}

const flows = {
  // RFC 8707.
  async resource_indicators() {
    const config = await withKey()
    const both = [['resource', 'https://api.example'], ['resource', REPORTS]]
    const build = (config, parameters) =>
      client.buildAuthorizationUrlWithPAR(config, new URLSearchParams([...Object.entries(parameters), ...both]))
    const tokens = await signIn(config, {}, build, { resource: REPORTS })
    assert.deepEqual([claims(tokens).aud].flat(), [REPORTS])
    await call(config, tokens, undefined, '/reports')
    const other = await client.refreshTokenGrant(config, tokens.refresh_token, { resource: 'https://api.example' })
    assert.deepEqual([claims(other).aud].flat(), ['https://api.example'])
    await call(config, other)
    const { status, challenges } = await refused(config, other, '/reports')
    assert.deepEqual([status, challenges[0].parameters.error], [401, 'invalid_token'])

    const elsewhere = { resource: 'https://elsewhere.example' }
    await assert.rejects(denied(config, elsewhere), { error: 'invalid_target' })
    await assert.rejects(client.buildAuthorizationUrlWithPAR(config, elsewhere), { error: 'invalid_target' })
    await assert.rejects(client.refreshTokenGrant(config, other.refresh_token, elsewhere), { error: 'invalid_target' })
    await assert.rejects(client.clientCredentialsGrant(config, elsewhere), { error: 'invalid_target' })
  },

  // RFC 9396.
  async rich_authorization_requests() {
    const config = await withKey()
    const details = [{ type: 'payment', actions: ['initiate'], amount: '12.50 EUR' }]
    const authorization_details = JSON.stringify(details)
    const tokens = await signIn(config, { authorization_details }, client.buildAuthorizationUrlWithPAR)
    assert.deepEqual(tokens.authorization_details, details)
    assert.deepEqual(claims(tokens).authorization_details, details)
    assert.deepEqual((await client.tokenIntrospection(config, tokens.access_token)).authorization_details, details)
    await call(config, tokens)
    for (const wrong of [[{ type: 'deed' }], [{ type: 'payment', actions: ['cancel'] }], [{ type: 'payment' }], {}]) {
      const authorization_details = JSON.stringify(wrong)
      await assert.rejects(denied(config, { authorization_details }), { error: 'invalid_authorization_details' })
      const atToken = client.refreshTokenGrant(config, tokens.refresh_token, { authorization_details })
      await assert.rejects(atToken, { error: 'invalid_authorization_details' })
    }
  },

  async response_modes() {
    const config = await withKey()
    for (const [response_mode, arrived] of [
      ['query', (back) => back.search],
      ['fragment', (back) => back.hash && !back.search],
      ['form_post', (back) => back instanceof Request && !new URL(back.url).search],
    ]) {
      const { checks, back } = await authorize(config, { response_mode })
      assert.ok(arrived(back), `${response_mode}: ${back.url ?? back}`)
      // Where a page's script would read it, the library takes it from.
      if (back.hash) back.search = back.hash.slice(1)
      await call(config, await client.authorizationCodeGrant(config, back, checks))
    }
    await assert.rejects(denied(config, { response_mode: 'pigeon' }), { error: 'invalid_request' })
  },

  // RFC 8252 section 7.3, with RFC 9449: what a native app has to show is its key.
  async loopback_at_any_port() {
    const config = await publicClient()
    const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair())
    const tokens = await signIn(config, {}, undefined, undefined, { DPoP })
    await call(config, tokens, { DPoP })
    const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token, undefined, { DPoP })
    await call(config, refreshed, { DPoP })
    // The refresh token is bound as well (RFC 9449 section 5).
    const theirs = client.getDPoPHandle(config, await client.randomDPoPKeyPair())
    const stolen = client.refreshTokenGrant(config, refreshed.refresh_token, undefined, { DPoP: theirs })
    await assert.rejects(stolen, { error: 'invalid_grant' })
    await assert.rejects(client.refreshTokenGrant(config, refreshed.refresh_token), { error: 'invalid_grant' })
    // The port is free; nothing else of the URI is.
    const { redirect_uri } = await listen()
    for (const wrong of [
      redirect_uri.replace('/callback', '/elsewhere'), redirect_uri.replace('127.0.0.1', 'localhost'), `${redirect_uri}?x=1`,
    ]) {
      const answer = await fetch(client.buildAuthorizationUrl(config, { redirect_uri: wrong }), { redirect: 'manual' })
      assert.deepEqual([answer.status, answer.headers.get('location')], [400, null], wrong)
    }
  },

  // RFC 9207.
  async issuer_in_the_answer() {
    const config = await withKey()
    const { checks, back } = await authorize(config)
    assert.equal(back.searchParams.get('iss'), gateway)
    for (const iss of ['https://elsewhere.example', undefined]) {
      const mixed = new URL(back)
      mixed.searchParams.delete('iss')
      if (iss) mixed.searchParams.set('iss', iss)
      await assert.rejects(client.authorizationCodeGrant(config, mixed, checks), { code: 'OAUTH_INVALID_RESPONSE' })
    }
    await call(config, await client.authorizationCodeGrant(config, back, checks))
    // In errors, too; without it the library would not even read which one this is.
    await assert.rejects(denied(config, { prompt: 'none' }), { error: 'login_required' })
  },

  // The nonces of RFC 9449 sections 8 and 9: the library meets both, and comes again with them.
  async dpop_nonces() {
    const config = await withKey()
    const asked = new Set()
    config[client.customFetch] = async (url, options) => {
      const answer = await fetch(url, options)
      if ([400, 401].includes(answer.status) && answer.headers.get('dpop-nonce')) asked.add(new URL(url).pathname)
      return answer
    }
    const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair())
    const tokens = await client.clientCredentialsGrant(config, {}, { DPoP })
    await call(config, tokens, { DPoP })
    assert.deepEqual([...asked], ['/oauth2/token', '/orders/1'])
  },

  // All that a careful client can do: pushed, signed, proven by key, bound to a key, at each step.
  async pushed_signed_and_bound() {
    const [config, key] = [await withKey(`${clientWithKey}-strict`), await signingKey()]
    const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair())
    const build = async (config, parameters) => {
      const url = await client.buildAuthorizationUrlWithJAR(config, parameters, key)
      return client.buildAuthorizationUrlWithPAR(config, url.searchParams, { DPoP })
    }
    const { checks, back } = await authorize(config, {}, build)
    const tokens = await client.authorizationCodeGrant(config, back, checks, undefined, { DPoP })
    await call(config, tokens, { DPoP })
    await assert.rejects(denied(config, {}), { error: 'invalid_request' })
    const unsigned = client.buildAuthorizationUrlWithPAR(config, { redirect_uri: 'http://127.0.0.1/callback' })
    await assert.rejects(unsigned, { error: 'invalid_request' })
    const another = await client.randomDPoPKeyPair('ES256')
    const forged = await client.buildAuthorizationUrlWithJAR(config, {}, another.privateKey)
    await assert.rejects(client.buildAuthorizationUrlWithPAR(config, forged.searchParams), { error: 'invalid_request_object' })
  },

  async opaque_tokens() {
    const config = await withKey(`${clientWithKey}-opaque`)
    const tokens = await client.clientCredentialsGrant(config, {})
    assert.ok(tokens.access_token.startsWith('bw_at_'))
    const seen = await call(config, tokens)
    assert.equal(seen['x-auth-client'], `${clientWithKey}-opaque`)
    assert.equal((await client.tokenIntrospection(config, tokens.access_token)).client_id, `${clientWithKey}-opaque`)
    await client.tokenRevocation(config, tokens.access_token)
    await refusedSoon(config, tokens)
    const unknown = `${tokens.access_token.slice(0, -3)}aaa`
    const { status, challenges } = await refused(config, { access_token: unknown })
    assert.deepEqual([status, challenges.at(-1).parameters.error], [401, 'invalid_token'])
  },

  async rs256_and_a_kept_refresh_token() {
    const config = await withKey(`${clientWithKey}-old`)
    const tokens = await signIn(config)
    assert.equal(JSON.parse(Buffer.from(tokens.access_token.split('.')[0], 'base64url')).alg, 'RS256')
    await call(config, tokens)
    for (let times = 0; times < 2; times++) {
      const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token)
      assert.ok([undefined, tokens.refresh_token].includes(refreshed.refresh_token))
      await call(config, refreshed)
    }
  },

  async claims_of_its_own() {
    const config = await withKey()
    const custom_claims = JSON.stringify({ tenant: 'blue' })
    const tokens = await signIn(config, { custom_claims }, client.buildAuthorizationUrlWithPAR)
    assert.equal((await call(config, tokens))['x-tenant'], 'blue')
    const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token)
    assert.equal((await call(config, refreshed))['x-tenant'], 'blue')
    assert.equal((await client.tokenIntrospection(config, refreshed.access_token)).tenant, 'blue')
    // A person's browser could have written it.
    await assert.rejects(denied(config, { custom_claims }), { error: 'invalid_request' })
  },

  // RFC 9470. Last, since from here on the person is asked for a second factor.
  async step_up() {
    const config = await withKey()
    const before = await signIn(config)
    assert.equal(claims(before).acr, 'pwd')
    const { status, challenges } = await refused(config, before, '/vault')
    const { parameters } = challenges.find((challenge) => challenge.scheme === 'bearer')
    assert.deepEqual([status, parameters.error], [401, 'insufficient_user_authentication'])
    const { acr_values, max_age } = parameters
    assert.deepEqual([acr_values, max_age], ['mfa', '300'])

    const enrolled = await fetch(`${person}/second-factor`, { method: 'POST', body: `${gateway}/account` })
    assert.equal(enrolled.status, 200, await enrolled.text())
    const after = await signIn(config, { acr_values, max_age })
    assert.equal(claims(after).acr, 'mfa')
    assert.ok(claims(after).auth_time > claims(before).auth_time - 300)
    await call(config, after, undefined, '/vault')
    await refused(config, before, '/vault')
    await assert.rejects(denied(config, { acr_values: 'retina' }), { error: 'unmet_authentication_requirements' })
    await assert.rejects(denied(config, { max_age: 'soon' }), { error: 'invalid_request' })
  },
}

await run(flows)
