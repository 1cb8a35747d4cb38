// Keeps the page true: one stream of signals per page; what depends on a change is fetched anew, by the page's own
// address, and morphed in place, so that focus, scroll, open menus and typed text stay.
"use strict";
(() => {
  const DEBOUNCE_MS = 100;   // changes that come together are one fetch
  const POLL_MS = 30000;     // without a stream, look by oneself
  const REFRESH_MS = 60000;  // with one, still bring the ages up to date
  const RUNNING_MS = 2000;   // how far a piece of work is tells no change of its own
  const QUIET_MS = 40000;    // the server says something every 15 s; silence is a dead line

  const note = document.getElementById("reconnecting");
  let last = document.body.dataset.position;
  let stale = new Set();
  let timer = null, busy = false, again = false, stream = null, heard = Date.now(), refreshed = Date.now();

  const living = () => [...document.querySelectorAll("[data-live][id]")];

  function touches(element, change) {
    return element.dataset.live.split(/\s+/).some((name) =>
      name === "any" ||
      (name === "incidents" && (change.incident_id || change.kind.startsWith("incident."))) ||
      (change.project && name === "project:" + change.project) ||
      (change.organisation && name === "organisation:" + change.organisation));
  }

  function mark(change) {
    for (const element of living()) if (touches(element, change)) stale.add(element.id);
    if (stale.size) schedule();
  }

  function markAll() {
    for (const element of living()) stale.add(element.id);
    if (stale.size) schedule();
  }

  function schedule() {
    if (busy) { again = true; return; }
    timer ??= setTimeout(refresh, DEBOUNCE_MS);
  }

  // Only the outermost of what is stale: what is inside comes with it.
  function outermost() {
    const elements = [...stale].map((id) => document.getElementById(id)).filter(Boolean);
    return elements.filter((one) => !elements.some((other) => other !== one && other.contains(one)));
  }

  const atEnd = (one) => one.scrollHeight - one.scrollTop - one.clientHeight < 8;
  const toEnd = (one) => { if (one) one.scrollTop = one.scrollHeight; };

  async function refresh() {
    timer = null;
    // What answers a form on its way is the next page; this one may not be possible any more once it has acted.
    if (document.querySelector("form[aria-busy='true']")) { timer = setTimeout(refresh, RUNNING_MS); return; }
    const elements = outermost();
    const asked = stale;
    stale = new Set();
    if (!elements.length) return;
    busy = true;
    const [first, ...others] = elements.map((element) => "#" + CSS.escape(element.id));
    let done = false;
    const swapped = (event) => { if (event.detail.ctx.live) done = true; };
    document.addEventListener("htmx:before:swap", swapped);
    // A log that is read at its end is followed; one that was scrolled up stays where it is.
    const ends = [...document.querySelectorAll("[data-follow][id]")].filter(atEnd).map((one) => one.id);
    try {
      await htmx.ajax("GET", location.pathname + location.search, {
        source: elements[0], target: elements[0], select: first, swap: "outerMorph", push: "false",
        selectOOB: others.map((selector) => selector + ":outerMorph").join(","), live: true,
      });
    } finally {
      document.removeEventListener("htmx:before:swap", swapped);
      busy = false;
    }
    if (done) { refreshed = Date.now(); for (const id of ends) toEnd(document.getElementById(id)); }
    else for (const id of asked) stale.add(id);  // the server was away: the next sign of it brings these
    if (again) { again = false; schedule(); }
  }

  // A session that ended leads to the sign-in page, and back; an error page is no content to swap in.
  document.addEventListener("htmx:before:swap", (event) => {
    const response = event.detail.ctx.response?.raw;
    if (!response) return;
    const address = new URL(response.url);
    if (response.redirected && address.pathname === "/login") {
      event.preventDefault();
      location.assign(address);
    } else if (event.detail.ctx.live && !response.ok) event.preventDefault();
  });
  // What the network did not bring comes with the next fetch; nothing of it is a fault of the page.
  document.addEventListener("htmx:error", (event) => { if (event.detail.ctx?.live) event.preventDefault(); });

  function listen() {
    if (!living().length || last === undefined) return;
    stream = new EventSource("/live?last=" + encodeURIComponent(last));
    stream.addEventListener("open", () => {
      heard = Date.now();
      if (!note.hidden) { note.hidden = true; markAll(); } else if (stale.size) schedule();
    });
    stream.addEventListener("change", (event) => {
      heard = Date.now();
      last = event.lastEventId || last;
      mark(JSON.parse(event.data));
    });
    stream.addEventListener("error", () => {
      setTimeout(() => { if (stream.readyState !== EventSource.OPEN) note.hidden = false; }, 1500);
      // The browser gives up on an answer that is no stream (a server that starts, a session that ended).
      if (stream.readyState === EventSource.CLOSED) setTimeout(listen, 2000 + Math.random() * 2000);
    });
  }

  setInterval(() => {
    const since = Date.now() - refreshed;
    const open = stream?.readyState === EventSource.OPEN;
    if (!document.hidden && since > (open ? REFRESH_MS : POLL_MS)) markAll();
  }, 5000);
  setInterval(() => {
    if (document.hidden || !note.hidden) return;
    for (const element of document.querySelectorAll("[data-running][id]")) stale.add(element.id);
    if (stale.size) schedule();
  }, RUNNING_MS);
  for (const one of document.querySelectorAll("[data-follow]")) toEnd(one);
  document.addEventListener("visibilitychange", () => { if (!document.hidden && Date.now() - refreshed > POLL_MS) markAll(); });
  addEventListener("pagehide", () => stream?.close());
  addEventListener("pageshow", (event) => { if (event.persisted) { markAll(); listen(); } });
  listen();

  // The server writes times in the reader's zone; it learns it here, once.
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (zone && document.documentElement.dataset.zone !== zone) {
    document.cookie = "steward-zone=" + zone + "; path=/; max-age=31536000; samesite=lax";
    document.documentElement.dataset.zone = zone;
    markAll();
  }
})();
