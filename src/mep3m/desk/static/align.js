// back to the link before, a place for a new name, and a look at what is being worked out
document.getElementById("back")?.addEventListener("click", () => history.back());
document.getElementById("name")?.addEventListener("click", () => {
  const form = document.getElementById("naming");
  form.hidden = false;
  const first = form.querySelector("input[name=name_zh]");
  first.focus();
  first.select();
});
if (document.querySelector("[data-waits]")) setTimeout(() => location.reload(), 1000);
