// Loaded before the first paint (so not a module): the remembered theme, or none, which follows the system.
{
  const theme = localStorage.getItem("tailon-agg.theme");
  if (theme === "dark" || theme === "light") document.documentElement.dataset.theme = theme;
}
