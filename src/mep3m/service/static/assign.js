const form = document.getElementById("form"), answer = document.getElementById("answer");
const line = (tag, text, kind) => {
  const node = document.createElement(tag);
  node.textContent = text;
  if (kind) node.className = kind;
  return node;
};
async function why(reply) {
  const {detail} = await reply.json().catch(() => ({detail: reply.status + " " + reply.statusText}));
  return Array.isArray(detail) ? detail.map(one => one.loc.at(-1) + ": " + one.msg).join("; ") : detail;
}
async function ask() {
  const title = form.title.value.trim(), image = form.image.files[0];
  // under a promise there is no threshold to choose
  const threshold = form.confidence ? {min_confidence: Number(form.confidence.value)} : {};
  const headers = form.key ? {"X-API-Key": form.key.value} : {};
  if (!image) {
    const body = JSON.stringify({products: [{title}], ...threshold});
    const reply = await fetch("assign", {method: "POST", headers: {"Content-Type": "application/json", ...headers}, body});
    return reply.ok ? (await reply.json())[0] : Promise.reject(await why(reply));
  }
  const data = new FormData();
  data.append("image", image);
  const query = new URLSearchParams({title, ...threshold});
  const reply = await fetch("assign-image?" + query, {method: "POST", headers, body: data});
  return reply.ok ? reply.json() : Promise.reject(await why(reply));
}
form.addEventListener("submit", async event => {
  event.preventDefault();
  if (!form.title.value.trim() && !form.image.files[0]) {
    answer.replaceChildren(line("div", "Give a title or an image.", "review"));
    return;
  }
  answer.replaceChildren(line("div", "…"));
  try {
    const found = await ask();
    answer.replaceChildren(line("div", found.names.join(" › ") || "no category", "path"));
    if (found.review) answer.append(line("div", "goes to review: " + found.reason, "review"));
    const list = document.createElement("ol");
    for (const one of found.top) {
      const item = document.createElement("li"), bar = document.createElement("i");
      bar.style.width = (100 * one.probability).toFixed(1) + "%";
      item.append(bar, line("span", one.names.join(" › ") + "  " + (100 * one.probability).toFixed(1) + " %"));
      list.append(item);
    }
    answer.append(list);
  } catch (problem) {
    const said = problem instanceof TypeError ? "The server cannot be reached." : "The server refused: " + problem;
    answer.replaceChildren(line("div", said, "review"));
  }
});
