// `await using` for a Node that does not know it, in the form that the transform's output calls: `a` takes a resource, `e` is
// what the block threw, and `d` closes the resources, the last first, and throws what is left to be thrown.
export default function usingContext() {
  const close = [];
  const context = {
    a(resource) {
      if (resource === null || resource === undefined) return resource;
      close.unshift(() => (resource[Symbol.asyncDispose] ?? resource[Symbol.dispose]).call(resource));
      return resource;
    },
    async d() {
      for (const one of close) {
        try {
          await one();
        } catch (error) {
          context.e = error;
        }
      }
      if ("e" in context) throw context.e;
    },
  };
  return context;
}
