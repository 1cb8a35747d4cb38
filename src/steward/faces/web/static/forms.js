// A form that is on its way is not sent again: a double click would meet its own change as somebody else's.
"use strict";
(() => {
  const GIVEN_UP_MS = 10000; // no answer for so long: let them try once more

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method !== "post" || event.defaultPrevented) return;
    if (form.ariaBusy === "true") return event.preventDefault();
    form.ariaBusy = "true";
    setTimeout(() => { form.ariaBusy = null; }, GIVEN_UP_MS);
  });

  // A page that comes back from the browser's memory is as it was left.
  addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("form[aria-busy]")) form.ariaBusy = null;
  });
})();
