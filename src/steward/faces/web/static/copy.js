// A button with data-copy="<id of a field>" puts the field's value into the clipboard. Without a script the field is there to be selected.
"use strict";
(() => {
  for (const button of document.querySelectorAll("[data-copy]")) {
    if (!navigator.clipboard) continue;
    button.hidden = false;
    button.addEventListener("click", async () => {
      const field = document.getElementById(button.dataset.copy);
      field.select();
      try {
        await navigator.clipboard.writeText(field.value);
      } catch {
        return; // It stays selected: Ctrl-C does the rest.
      }
      button.querySelector("span").textContent = button.dataset.copied;
    });
  }
})();
