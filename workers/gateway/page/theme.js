// Runs before anything is painted: the theme that was chosen here, if one was.
try {
  document.documentElement.dataset.theme = JSON.parse(localStorage.getItem("hubbub-theme")) ?? "auto";
} catch {
  document.documentElement.dataset.theme = "auto";
}
