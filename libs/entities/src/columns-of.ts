import { getMetadataArgsStorage } from 'typeorm';

/**
 * The columns of an entity as this process knows them, for the SELECT of a prepared statement. With `*` a column that a
 * newer process adds changes what the statement returns, and PostgreSQL refuses to run it again in that session.
 * @param alias of the table or CTE that they are taken from.
 */
export const columnsOf = (entity: new () => object, alias: string): string =>
  getMetadataArgsStorage()
    .filterColumns(entity)
    .map(({ propertyName }) => `${alias}.${propertyName}`)
    .join(', ');
