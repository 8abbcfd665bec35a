interface SwaggerUi {
  layoutActions: {
    show(key: string[], isShown: boolean): void;
    scrollTo(key: string[]): void;
  };
}

/**
 * Opens the operation that an address such as `/docs#/Jobs/jobs_create` names. Swagger UI's own takes the `_` of an
 * operationId for an escaped blank and complains about it in the console.
 *
 * It runs in the browser and travels there as its source text: nothing outside of it exists there.
 */
export const quietDeepLinks = (): object => ({
  statePlugins: {
    layout: {
      wrapActions: {
        parseDeepLinkHash:
          () =>
          (hash: string) =>
          ({ layoutActions }: SwaggerUi): void => {
            const [tag, operation] = decodeURIComponent(hash.replace(/^#?!?\/?/, '')).split('/');
            if (!tag) return;
            layoutActions.show(['operations-tag', tag], true);
            const key = operation ? ['operations', tag, operation] : ['operations-tag', tag];
            layoutActions.show(key, true);
            layoutActions.scrollTo(key);
          },
      },
    },
  },
});
