// Keys, menus and dialogs. Everything here is also reachable without: as links, forms and pages.
"use strict";
(() => {
  const apple = /Mac|iPhone|iPad/.test(navigator.platform);
  const typing = (element) => element.closest?.("input, textarea, select, [contenteditable]");

  function name() {
    if (apple) for (const key of document.querySelectorAll("kbd[data-meta]")) key.textContent = "⌘K";
  }
  name();
  document.addEventListener("htmx:after:swap", name);

  function open(id) {
    const dialog = document.getElementById(id);
    if (!dialog) return false;
    if (!dialog.open) dialog.showModal();
    dialog.querySelector("input")?.select();
    return true;
  }

  function close(menu, focus) {
    menu.open = false;
    if (focus) menu.querySelector("summary").focus();
  }

  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-dialog]");
    if (opener && !event.ctrlKey && !event.metaKey && open(opener.dataset.dialog)) event.preventDefault();
    if (event.target instanceof HTMLDialogElement) event.target.close();
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (!menu.contains(event.target)) close(menu, false);
    }
  });

  // What can be walked through with j and k: cards, rows, events that lead somewhere.
  const stops = () => [...document.querySelectorAll("[data-stop]")].filter((stop) => stop.offsetParent);

  function step(by) {
    const all = stops();
    if (!all.length) return;
    const at = all.indexOf(document.activeElement);
    const next = all[at < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(Math.max(at + by, 0), all.length - 1)];
    next.focus();
    next.scrollIntoView({ block: "nearest" });
  }

  function inPalette(event) {
    const palette = event.target.closest("#palette");
    if (!palette || !["ArrowDown", "ArrowUp", "Enter"].includes(event.key)) return false;
    const links = [...palette.querySelectorAll("#found a")];
    if (event.key === "Enter") {
      if (!event.target.matches("input") || !links.length) return false;
      event.preventDefault();
      links[0].click();
      return true;
    }
    event.preventDefault();
    const at = links.indexOf(document.activeElement);
    const to = at + (event.key === "ArrowDown" ? 1 : -1);
    (links[to] ?? palette.querySelector("input")).focus();
    return true;
  }

  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
      if (open("palette")) event.preventDefault();
      return;
    }
    if (inPalette(event) || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") {
      for (const menu of document.querySelectorAll("details.menu[open]")) close(menu, menu.contains(document.activeElement));
      return;
    }
    if (typing(event.target) || document.querySelector("dialog[open]")) return;
    if (event.key === "j") step(1);
    else if (event.key === "k") step(-1);
    else if (event.key === "?") open("help");
    else {
      const target = /^[a-z]$/.test(event.key) && document.querySelector(`[data-key="${event.key}"]`);
      if (!target) return;
      if (target.matches("details")) { target.open = true; target.querySelector("button, a, input")?.focus(); } else target.click();
    }
    event.preventDefault();
  });

  // A filter sends itself when a choice is made; its button stands for those without a script.
  document.addEventListener("change", (event) => {
    const form = event.target.form;
    if (form?.hasAttribute("data-auto") && event.target.matches("select, input[type=checkbox]")) form.requestSubmit();
  });
})();
