import cms, { PutCustomEventRequest, PutCustomMetricRequest } from "@alicloud/cms20190101";
import { $OpenApiUtil } from "@alicloud/openapi-core";

/** A CommonJS package: Node hands its exports over as the default, and the client class is the `default` among them. */
const { default: Client } = cms;
const { Config } = $OpenApiUtil;

export { Client, Config, PutCustomEventRequest, PutCustomMetricRequest };
