import openApi, { Config, OpenApiRequest, Params } from "@alicloud/openapi-client";

/** A CommonJS package: Node hands its exports over as the default, and the client class is the `default` among them. */
const { default: RpcClient } = openApi;

export { Config, OpenApiRequest, Params, RpcClient };
