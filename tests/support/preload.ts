/** Loaded before every test file: makes stray promise rejections fail the run instead of vanishing. */
process.on("unhandledRejection", (reason) => {
  throw reason;
});
