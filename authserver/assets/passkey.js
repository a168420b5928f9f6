// Hands what a page holds to the browser's authenticator and posts its answer. Forms that need it are hidden until it runs.
(() => {
  "use strict";

  const bytes = (text) => {
    const binary = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
    return Uint8Array.from(binary, (letter) => letter.charCodeAt(0));
  };

  const text = (buffer) => {
    let binary = "";
    for (const byte of new Uint8Array(buffer)) {
      binary += String.fromCharCode(byte);
    }
    return btoa(binary).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  };

  // The members that are bytes; the rest stays as the server wrote it.
  const options = (form) => {
    const asked = JSON.parse(form.dataset.options);
    const list = (known) => (known || []).map((one) => ({ ...one, id: bytes(one.id) }));
    asked.challenge = bytes(asked.challenge);
    if (form.dataset.passkey === "create") {
      asked.user.id = bytes(asked.user.id);
      asked.excludeCredentials = list(asked.excludeCredentials);
    } else {
      asked.allowCredentials = list(asked.allowCredentials);
    }
    return asked;
  };

  const answer = (credential) => {
    const given = credential.response;
    const response = { clientDataJSON: text(given.clientDataJSON) };
    for (const name of ["attestationObject", "authenticatorData", "signature", "userHandle"]) {
      if (given[name]) {
        response[name] = text(given[name]);
      }
    }
    if (given.getTransports) {
      response.transports = given.getTransports();
    }
    return JSON.stringify({ id: credential.id, rawId: text(credential.rawId), type: credential.type, response });
  };

  const send = (form, credential) => {
    form.elements.namedItem("credential").value = answer(credential);
    form.submit();
  };

  for (const form of document.querySelectorAll("form[data-passkey]")) {
    if (!window.PublicKeyCredential || location.origin !== form.dataset.origin) {
      for (const note of document.querySelectorAll("[data-no-passkeys]")) {
        note.hidden = false;
      }
      continue;
    }
    form.hidden = false;
    const problem = form.querySelector("[role=alert]");
    let waiting = null;

    // While a field for the username is there, the browser offers passkeys in it.
    const offer = async () => {
      const can = PublicKeyCredential.isConditionalMediationAvailable;
      if (!document.querySelector("[autocomplete~=webauthn]") || !can || !(await can.call(PublicKeyCredential))) {
        return;
      }
      waiting = new AbortController();
      try {
        const { signal } = waiting;
        const publicKey = options(form);
        send(form, await navigator.credentials.get({ publicKey, mediation: "conditional", signal }));
      } catch {
        // Nothing was chosen there; the button is still here.
      }
    };

    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      problem.hidden = true;
      if (waiting) {
        waiting.abort();
      }
      try {
        const publicKey = options(form);
        const how = form.dataset.passkey;
        send(form, await navigator.credentials[how]({ publicKey }));
      } catch {
        problem.hidden = false;
      }
    });

    if (form.dataset.passkey === "get") {
      offer();
    }
  }
})();
