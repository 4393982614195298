// Products: j and k go from card to card, what is typed is looked for at once. Whatever data says is put in as text.
const form = document.getElementById("filters"), found = document.getElementById("found");
const later = (act, wait) => { let timer; return () => { clearTimeout(timer); timer = setTimeout(act, wait); }; };

const cards = () => [...found.querySelectorAll(".card a.title")];
document.addEventListener("keydown", event => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.target.matches("input, select, textarea")) return;
  const step = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1 }[event.key];
  if (!step || document.querySelector("dialog[open]")) return;
  event.preventDefault();
  const links = cards(), at = links.indexOf(document.activeElement);
  if (at + step >= links.length) { const next = found.querySelector("[data-key=n]"); if (next) next.click(); return; }
  const link = links[Math.max(at + step, 0)];
  if (link) { link.focus(); link.scrollIntoView({ block: "nearest" }); }
});

function lost() {
  const line = document.createElement("p");
  line.className = "warn";
  line.setAttribute("role", "alert");
  line.textContent = form.dataset.unreachable;
  found.replaceChildren(line);
}
let asked = 0;
const search = later(async () => {
  const query = new URLSearchParams([...new FormData(form)].filter(([, value]) => value)), mine = ++asked;
  let answer;
  try { answer = await fetch(`/explore/found?${query}`, { headers: { Accept: "text/html" } }); } catch { answer = null; }
  if (mine !== asked) return;
  if (!answer) { lost(); return; }
  if (answer.redirected) { location.assign(`/explore?${query}`); return; }  // to sign in, and back to here
  if (!answer.ok) return;
  found.innerHTML = await answer.text();  // a page of this desk, escaped there
  history.replaceState(null, "", `/explore?${query}`);
}, 150);
document.getElementById("q").addEventListener("input", event => { if (!event.isComposing) search(); });
document.getElementById("q").addEventListener("compositionend", search);
form.querySelectorAll("select").forEach(node => node.addEventListener("change", search));

const jump = document.getElementById("jump"), list = document.getElementById("suggested");
let chosen = -1, typed = 0;
const mark = () => [...list.children].forEach((node, n) => node.setAttribute("aria-selected", n === chosen));
const go = id => { form.elements.category.value = id; form.requestSubmit(); };
const suggest = later(async () => {
  const mine = ++typed, answer = await fetch(`/explore/categories?q=${encodeURIComponent(jump.value)}`, { headers: { Accept: "application/json" } });
  if (!answer.ok || mine !== typed) return;
  const nodes = (await answer.json()).map(one => {
    const node = document.createElement("li"), path = document.createElement("span");
    node.setAttribute("role", "option");
    node.dataset.id = one.id;
    path.className = "soft";
    path.textContent = ` ${one.path} ${one.rows.toLocaleString("en")}`;
    node.append(one.name, path);
    return node;
  });
  list.replaceChildren(...nodes);
  list.hidden = !nodes.length;
  jump.setAttribute("aria-expanded", !list.hidden);
  chosen = nodes.length ? 0 : -1;
  mark();
}, 60);
jump.addEventListener("input", suggest);
jump.addEventListener("keydown", event => {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step) { event.preventDefault(); chosen = Math.min(Math.max(chosen + step, 0), list.children.length - 1); mark(); }
  if (event.key === "Enter") { event.preventDefault(); if (list.children[chosen]) go(list.children[chosen].dataset.id); }
  if (event.key === "Escape") list.hidden = true;
});
list.addEventListener("click", event => { const node = event.target.closest("li"); if (node) go(node.dataset.id); });
