// One key does what a click does: every element with data-key is clicked by its key.
const typing = node => node.matches("input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]");
const folded = node => node.closest("details:not([open])");
const keyed = key => [...document.querySelectorAll("[data-key]")].find(
  node => node.dataset.key === key && !node.disabled && (node.offsetParent !== null || folded(node))
);
document.addEventListener("keydown", event => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  // a browser empties a search field at Escape; here it is left as it is, with what it found
  if (event.key === "Escape" && typing(event.target)) { event.preventDefault(); event.target.blur(); return; }
  if (typing(event.target) || document.querySelector("dialog[open]")) return;
  const node = keyed(event.key);
  if (!node) return;
  event.preventDefault();
  if (event.repeat) return;  // a key that is held down would decide on whatever comes next
  if (folded(node)) folded(node).open = true;
  if (typing(node)) node.focus(); else node.click();
});
document.addEventListener("click", event => {
  const opener = event.target.closest("[data-shows]");
  if (!opener) return;
  const dialog = document.getElementById(opener.dataset.shows);
  if (dialog.id === "keys") listKeys(dialog.querySelector("dl"));
  dialog.showModal();
});
function listKeys(list) {
  list.replaceChildren();
  const seen = new Set();
  for (const node of document.querySelectorAll("[data-key], [data-help]")) {
    const said = node.dataset.help || node.dataset.key;
    // keys that no button has are listed where a page names them; of the others, those that do something now
    if (seen.has(said) || (node.dataset.key && keyed(said) !== node)) continue;
    seen.add(said);
    const key = document.createElement("dt"), does = document.createElement("dd");
    key.textContent = said;
    const label = (node.labels && node.labels[0] || node).cloneNode(true);
    label.querySelectorAll("kbd").forEach(one => one.remove());
    does.textContent = node.title || node.getAttribute("aria-label") || label.textContent.trim();
    list.append(key, does);
  }
}
// a form is sent once
document.addEventListener("submit", event => {
  const form = event.target;
  if (form.method === "dialog") return;
  if (form.dataset.sent) { event.preventDefault(); return; }
  form.dataset.sent = "1";
});
addEventListener("pageshow", () => document.querySelectorAll("form[data-sent]").forEach(form => delete form.dataset.sent));
// what other scripts of these pages use
window.desk = {
  csrf: () => document.querySelector("meta[name=csrf]").content,
  post: (address, body) => fetch(address, {
    method: "POST",
    headers: {"Content-Type": "application/json", "Accept": "application/json", "X-CSRF-Token": window.desk.csrf()},
    body: JSON.stringify(body),
  }),
};
