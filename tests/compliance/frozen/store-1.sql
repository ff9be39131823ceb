BEGIN TRANSACTION;
CREATE TABLE epoch (
	institution VARCHAR(30) NOT NULL, 
	rid VARCHAR(40) NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	first_seen VARCHAR(24) NOT NULL, 
	last_seen VARCHAR(24) NOT NULL, 
	PRIMARY KEY (institution, rid)
);
INSERT INTO "epoch" VALUES('H00000000001','test-installation','active','2026-01-15T01:00:00.000Z','2026-01-16T01:00:00.000Z');
CREATE TABLE institution (
	id INTEGER NOT NULL, 
	number INTEGER NOT NULL, 
	name TEXT NOT NULL, 
	code VARCHAR(30), 
	"deferred" BOOLEAN NOT NULL, 
	source TEXT NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (name), 
	UNIQUE (code)
);
INSERT INTO "institution" VALUES(1,1,'测试甲医院','H00000000001',0,'名册.csv');
INSERT INTO "institution" VALUES(2,2,'测试乙医院',NULL,1,'名册.csv');
CREATE TABLE message (
	id INTEGER NOT NULL, 
	reference VARCHAR(30) NOT NULL, 
	msgid TEXT NOT NULL, 
	institution VARCHAR(30) NOT NULL, 
	infno TEXT NOT NULL, 
	received_at VARCHAR(24) NOT NULL, 
	accepted INTEGER NOT NULL, 
	duplicate INTEGER NOT NULL, 
	rejected INTEGER NOT NULL, 
	"conflict" INTEGER NOT NULL, 
	refused TEXT NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "message" VALUES(1,'000000202601150900000000000001','H00000000001202601150900000001','H00000000001','HD03','2026-01-15T01:00:00.000Z',4,0,0,0,'');
INSERT INTO "message" VALUES(2,'000000202601150900000000000002','H00000000001202601151000000002','H00000000001','HD03','2026-01-15T02:00:00.000Z',1,0,0,0,'');
INSERT INTO "message" VALUES(3,'000000202601150900000000000003','H00000000001202601151100000003','H00000000001','HD03','2026-01-15T03:00:00.000Z',0,0,1,0,'');
INSERT INTO "message" VALUES(4,'000000202601150900000000000004','H00000000001202601160900000004','H00000000001','OP02','2026-01-16T01:00:00.000Z',3,0,0,0,'');
INSERT INTO "message" VALUES(5,'000000202601150900000000000005','H00000000001202601160900000005','H00000000001','OP03','2026-01-16T01:00:00.000Z',1,0,0,0,'');
CREATE TABLE nonce (
	paasid TEXT NOT NULL, 
	nonce TEXT NOT NULL, 
	until VARCHAR(24) NOT NULL, 
	PRIMARY KEY (paasid, nonce)
);
INSERT INTO "nonce" VALUES('ld-test','n1','2026-01-15T01:05:00.000Z');
CREATE TABLE record (
	institution VARCHAR(30) NOT NULL, 
	dataset VARCHAR(20) NOT NULL, 
	"key" TEXT NOT NULL, 
	version BIGINT NOT NULL, 
	content_hash VARCHAR(80) NOT NULL, 
	vali_flag VARCHAR(3) NOT NULL, 
	edition TEXT NOT NULL, 
	body TEXT NOT NULL, 
	occurred_at VARCHAR(24) NOT NULL, 
	entered_at VARCHAR(24), 
	seen_at VARCHAR(24), 
	accepted_at VARCHAR(24) NOT NULL, 
	due_at VARCHAR(24) NOT NULL, 
	rid TEXT NOT NULL, 
	msgid TEXT NOT NULL, 
	PRIMARY KEY (institution, dataset, "key", version)
);
INSERT INTO "record" VALUES('H00000000001','HD03','TEST-000001-sess_id',1,'sha256:a36e6d3cf15d670fcc65e9a40a93fd3c8c59e5a4928837e111b7700548c65d23','1','reference@2026.2','{"sess_id":"TEST-000001-sess_id","schd_id":"TEST-000001-schd_id","rx_id":"TEST-000001-rx_id","patn_id":"TEST-000001-patn_id","psn_no":"TEST-000001-psn_no","dialysis_no":"TEST-000001-dialysis_no","machine_no":"TEST-000001-machine_no","begn_time":"2026-01-01 10:21:29","end_time":"2026-01-01 14:21:29","duration_min":"240","med_list_codg":"TEST-000001-med_list_codg","pre_weight_kg":"72.84","dry_weight_kg":"50.1","dialyzer":"TEST-000001-dialyzer","anticoagulant":"TEST-000001-anticoagulant","drugs":[{"drug_codg":"TEST-000010-drug_codg","drug_name":"测试药品名称0010","dose":"8.08","unit":"TEST-000010-unit","route":"TEST-000010-route","use_time":"2026-01-01 10:51:29"},{"drug_codg":"TEST-000011-drug_codg","drug_name":"测试药品名称0011","dose":"7.43","unit":"TEST-000011-unit","route":"TEST-000011-route","use_time":"2026-01-01 10:51:29"},{"drug_codg":"TEST-000012-drug_codg","drug_name":"测试药品名称0012","dose":"5.9","unit":"TEST-000012-unit","route":"TEST-000012-route","use_time":"2026-01-01 10:51:29"}],"nurse_codg":"TEST-000001-nurse_codg","early_end_reason":"TEST-000001-early_end_reason","fixmedins_code":"H00000000001","key":"TEST-000001-sess_id","version":"1","vali_flag":"1","edition":"reference@2026.2","occurred_at":"2026-01-01 10:21:29","entered_at":"2026-01-01 14:22:29","seen_at":"2026-01-01 14:23:29","rid":"test-installation","content_hash":"sha256:a36e6d3cf15d670fcc65e9a40a93fd3c8c59e5a4928837e111b7700548c65d23"}','2026-01-01T02:21:29.000Z','2026-01-01T06:22:29.000Z','2026-01-01T06:23:29.000Z','2026-01-15T01:00:00.000Z','2026-01-02T16:00:00.000Z','test-installation','H00000000001202601150900000001');
INSERT INTO "record" VALUES('H00000000001','HD03','TEST-000002-sess_id',1,'sha256:a4b0b44225c9c56fb216259a6b2793c4469f27ff540440646d2a26f06cac8651','1','reference@2026.2','{"sess_id":"TEST-000002-sess_id","schd_id":"TEST-000002-schd_id","patn_id":"TEST-000002-patn_id","psn_no":"TEST-000002-psn_no","dialysis_no":"TEST-000002-dialysis_no","machine_no":"TEST-000002-machine_no","begn_time":"2026-01-25 19:16:40","end_time":"2026-01-25 23:16:40","duration_min":"240","med_list_codg":"TEST-000002-med_list_codg","post_weight_kg":"54.44","dry_weight_kg":"54.36","uf_volume_ml":"2651.9","anticoagulant":"TEST-000002-anticoagulant","drugs":[{"drug_codg":"TEST-000020-drug_codg","drug_name":"测试药品名称0020","dose":"3.27","unit":"TEST-000020-unit","route":"TEST-000020-route","use_time":"2026-01-25 19:46:40"},{"drug_codg":"TEST-000021-drug_codg","drug_name":"测试药品名称0021","dose":"8.07","unit":"TEST-000021-unit","route":"TEST-000021-route","use_time":"2026-01-25 19:46:40"}],"nurse_codg":"TEST-000002-nurse_codg","early_end_reason":"TEST-000002-early_end_reason","fixmedins_code":"H00000000001","key":"TEST-000002-sess_id","version":"1","vali_flag":"1","edition":"reference@2026.2","occurred_at":"2026-01-25 19:16:40","entered_at":"2026-01-25 23:17:40","seen_at":"2026-01-25 23:18:40","rid":"test-installation","content_hash":"sha256:a4b0b44225c9c56fb216259a6b2793c4469f27ff540440646d2a26f06cac8651"}','2026-01-25T11:16:40.000Z','2026-01-25T15:17:40.000Z','2026-01-25T15:18:40.000Z','2026-01-15T01:00:00.000Z','2026-01-26T16:00:00.000Z','test-installation','H00000000001202601150900000001');
INSERT INTO "record" VALUES('H00000000001','HD03','TEST-000003-sess_id',1,'sha256:b74be9ead13413525eefd7fef8f83b50612fc65d4a3cebfbfe5a4758ece6e054','1','reference@2026.2','{"sess_id":"TEST-000003-sess_id","schd_id":"TEST-000003-schd_id","rx_id":"TEST-000003-rx_id","patn_id":"TEST-000003-patn_id","psn_no":"TEST-000003-psn_no","dialysis_no":"TEST-000003-dialysis_no","machine_no":"TEST-000003-machine_no","begn_time":"2026-01-17 00:12:00","end_time":"2026-01-17 04:12:00","duration_min":"240","med_list_codg":"TEST-000003-med_list_codg","pre_weight_kg":"79.84","post_weight_kg":"54.32","dialyzer":"TEST-000003-dialyzer","anticoagulant":"TEST-000003-anticoagulant","nurse_codg":"TEST-000003-nurse_codg","early_end_reason":"TEST-000003-early_end_reason","fixmedins_code":"H00000000001","key":"TEST-000003-sess_id","version":"1","vali_flag":"1","edition":"reference@2026.2","occurred_at":"2026-01-17 00:12:00","entered_at":"2026-01-17 04:13:00","seen_at":"2026-01-17 04:14:00","rid":"test-installation","content_hash":"sha256:b74be9ead13413525eefd7fef8f83b50612fc65d4a3cebfbfe5a4758ece6e054"}','2026-01-16T16:12:00.000Z','2026-01-16T20:13:00.000Z','2026-01-16T20:14:00.000Z','2026-01-15T01:00:00.000Z','2026-01-18T16:00:00.000Z','test-installation','H00000000001202601150900000001');
INSERT INTO "record" VALUES('H00000000001','HD03','TEST-000004-sess_id',1,'sha256:e48f78796fbcb2950ce035ba0386e507da56743451f8ec0b719bad2ee197ac05','1','reference@2026.2','{"sess_id":"TEST-000004-sess_id","schd_id":"TEST-000004-schd_id","rx_id":"TEST-000004-rx_id","patn_id":"TEST-000004-patn_id","psn_no":"TEST-000004-psn_no","dialysis_no":"TEST-000004-dialysis_no","machine_no":"TEST-000004-machine_no","begn_time":"2026-01-17 21:09:16","end_time":"2026-01-18 01:09:16","duration_min":"240","med_list_codg":"TEST-000004-med_list_codg","pre_weight_kg":"75.87","post_weight_kg":"58.78","dry_weight_kg":"51.26","anticoagulant":"TEST-000004-anticoagulant","drugs":[{"drug_codg":"TEST-000040-drug_codg","drug_name":"测试药品名称0040","dose":"8.98","unit":"TEST-000040-unit","route":"TEST-000040-route","use_time":"2026-01-17 21:39:16"},{"drug_codg":"TEST-000041-drug_codg","drug_name":"测试药品名称0041","dose":"1.05","unit":"TEST-000041-unit","route":"TEST-000041-route","use_time":"2026-01-17 21:39:16"}],"nurse_codg":"TEST-000004-nurse_codg","early_end_reason":"TEST-000004-early_end_reason","fixmedins_code":"H00000000001","key":"TEST-000004-sess_id","version":"1","vali_flag":"1","edition":"reference@2026.2","occurred_at":"2026-01-17 21:09:16","entered_at":"2026-01-18 01:10:16","seen_at":"2026-01-18 01:11:16","rid":"test-installation","content_hash":"sha256:e48f78796fbcb2950ce035ba0386e507da56743451f8ec0b719bad2ee197ac05"}','2026-01-17T13:09:16.000Z','2026-01-17T17:10:16.000Z','2026-01-17T17:11:16.000Z','2026-01-15T01:00:00.000Z','2026-01-18T16:00:00.000Z','test-installation','H00000000001202601150900000001');
INSERT INTO "record" VALUES('H00000000001','HD03','TEST-000001-sess_id',2,'sha256:a3f506ff05a89224a2ab258174ce9cca354e7cc69983d2c2d838c858437880c5','0','reference@2026.2','{"sess_id":"TEST-000001-sess_id","schd_id":"TEST-000001-schd_id","rx_id":"TEST-000001-rx_id","patn_id":"TEST-000001-patn_id","psn_no":"TEST-000001-psn_no","dialysis_no":"TEST-000001-dialysis_no","machine_no":"TEST-000001-machine_no","begn_time":"2026-01-01 10:21:29","end_time":"2026-01-01 14:21:29","duration_min":"240","med_list_codg":"TEST-000001-med_list_codg","pre_weight_kg":"72.84","dry_weight_kg":"50.1","dialyzer":"TEST-000001-dialyzer","anticoagulant":"TEST-000001-anticoagulant","drugs":[{"drug_codg":"TEST-000010-drug_codg","drug_name":"测试药品名称0010","dose":"8.08","unit":"TEST-000010-unit","route":"TEST-000010-route","use_time":"2026-01-01 10:51:29"},{"drug_codg":"TEST-000011-drug_codg","drug_name":"测试药品名称0011","dose":"7.43","unit":"TEST-000011-unit","route":"TEST-000011-route","use_time":"2026-01-01 10:51:29"},{"drug_codg":"TEST-000012-drug_codg","drug_name":"测试药品名称0012","dose":"5.9","unit":"TEST-000012-unit","route":"TEST-000012-route","use_time":"2026-01-01 10:51:29"}],"nurse_codg":"TEST-000001-nurse_codg","early_end_reason":"TEST-000001-early_end_reason","fixmedins_code":"H00000000001","key":"TEST-000001-sess_id","version":"2","vali_flag":"0","edition":"reference@2026.2","occurred_at":"2026-01-01 10:21:29","entered_at":"2026-01-01 14:22:29","seen_at":"2026-01-01 14:23:29","rid":"test-installation","content_hash":"sha256:a3f506ff05a89224a2ab258174ce9cca354e7cc69983d2c2d838c858437880c5"}','2026-01-01T02:21:29.000Z','2026-01-01T06:22:29.000Z','2026-01-01T06:23:29.000Z','2026-01-15T02:00:00.000Z','2026-01-02T16:00:00.000Z','test-installation','H00000000001202601151000000002');
INSERT INTO "record" VALUES('H00000000001','OP02','TEST-000001-beat_id',1,'sha256:4a6a79d5353fe55c41f9921977976a7698316e154046678119c7148ffade17fd','1','reference@2026.2','{"beat_id":"TEST-000001-beat_id","beat_time":"2026-01-28 12:30:06","gateway_version":"TEST-000001-gateway_version","profile_version":"TEST-000001-profile_version","clock_offset_ms":"2","queue_depth":"1","oldest_unsent":"2026-01-28 12:00:06","disk_free_mb":"81527","devices":[{"device_no":"TEST-000010-device_no","device_stas":"offline","last_event_time":"2026-01-28 12:25:06"},{"device_no":"TEST-000011-device_no","device_stas":"offline","last_event_time":"2026-01-28 12:25:06"}],"fixmedins_code":"H00000000001","key":"TEST-000001-beat_id","version":"1","vali_flag":"1","edition":"reference@2026.2","occurred_at":"2026-01-28 12:30:06","entered_at":"2026-01-28 12:31:06","seen_at":"2026-01-28 12:32:06","rid":"test-installation","content_hash":"sha256:4a6a79d5353fe55c41f9921977976a7698316e154046678119c7148ffade17fd"}','2026-01-28T04:30:06.000Z','2026-01-28T04:31:06.000Z','2026-01-28T04:32:06.000Z','2026-01-16T01:00:00.000Z','2026-01-28T04:35:06.000Z','test-installation','H00000000001202601160900000004');
INSERT INTO "record" VALUES('H00000000001','OP02','TEST-000002-beat_id',1,'sha256:21a4894b8c17430d3ab2e9483e2d4a735bbe0cd97e05681fd8603ffc6721ba98','1','reference@2026.2','{"beat_id":"TEST-000002-beat_id","beat_time":"2026-01-19 22:43:55","gateway_version":"TEST-000002-gateway_version","profile_version":"TEST-000002-profile_version","clock_offset_ms":"4","queue_depth":"4","oldest_unsent":"2026-01-19 22:13:55","disk_free_mb":"77766","fixmedins_code":"H00000000001","key":"TEST-000002-beat_id","version":"1","vali_flag":"1","edition":"reference@2026.2","occurred_at":"2026-01-19 22:43:55","entered_at":"2026-01-19 22:44:55","seen_at":"2026-01-19 22:45:55","rid":"test-installation","content_hash":"sha256:21a4894b8c17430d3ab2e9483e2d4a735bbe0cd97e05681fd8603ffc6721ba98"}','2026-01-19T14:43:55.000Z','2026-01-19T14:44:55.000Z','2026-01-19T14:45:55.000Z','2026-01-16T01:00:00.000Z','2026-01-19T14:48:55.000Z','test-installation','H00000000001202601160900000004');
INSERT INTO "record" VALUES('H00000000001','OP02','TEST-000003-beat_id',1,'sha256:1f074e4d015ad79d597f48f19995cb2aba9fe7c2432ed4a54ff1cb060b62c1e8','1','reference@2026.2','{"beat_id":"TEST-000003-beat_id","beat_time":"2026-01-12 12:26:10","gateway_version":"TEST-000003-gateway_version","clock_offset_ms":"5","queue_depth":"1","oldest_unsent":"2026-01-12 11:56:10","disk_free_mb":"22786","devices":[{"device_no":"TEST-000030-device_no","device_stas":"online","last_event_time":"2026-01-12 12:21:10"},{"device_no":"TEST-000031-device_no","device_stas":"offline","last_event_time":"2026-01-12 12:21:10"}],"fixmedins_code":"H00000000001","key":"TEST-000003-beat_id","version":"1","vali_flag":"1","edition":"reference@2026.2","occurred_at":"2026-01-12 12:26:10","entered_at":"2026-01-12 12:27:10","seen_at":"2026-01-12 12:28:10","rid":"test-installation","content_hash":"sha256:1f074e4d015ad79d597f48f19995cb2aba9fe7c2432ed4a54ff1cb060b62c1e8"}','2026-01-12T04:26:10.000Z','2026-01-12T04:27:10.000Z','2026-01-12T04:28:10.000Z','2026-01-16T01:00:00.000Z','2026-01-12T04:31:10.000Z','test-installation','H00000000001202601160900000004');
INSERT INTO "record" VALUES('H00000000001','OP03','TEST-000001-declaration_id',1,'sha256:5923959fd772b147b10a7e860e672d85bd36f05c87a5399bdeb1b0572529beb4','1','reference@2026.2','{"declaration_id":"TEST-000001-declaration_id","declared_time":"2026-01-16 16:31:18","reason":"TEST-000001-reason","from":"2026-01-16 16:31:18","to":"2026-01-16 18:31:18","affected":[{"dataset":"TEST-000010-dataset"},{"dataset":"TEST-000011-dataset"}],"fixmedins_code":"H00000000001","key":"TEST-000001-declaration_id","version":"1","vali_flag":"1","edition":"reference@2026.2","occurred_at":"2026-01-16 16:31:18","entered_at":"2026-01-16 18:32:18","seen_at":"2026-01-16 18:33:18","rid":"test-installation","content_hash":"sha256:5923959fd772b147b10a7e860e672d85bd36f05c87a5399bdeb1b0572529beb4"}','2026-01-16T08:31:18.000Z','2026-01-16T10:32:18.000Z','2026-01-16T10:33:18.000Z','2026-01-16T01:00:00.000Z','2026-01-16T09:31:18.000Z','test-installation','H00000000001202601160900000005');
CREATE TABLE rejection (
	id INTEGER NOT NULL, 
	institution VARCHAR(30) NOT NULL, 
	dataset VARCHAR(20) NOT NULL, 
	"key" TEXT NOT NULL, 
	version BIGINT NOT NULL, 
	content_hash VARCHAR(80) NOT NULL, 
	reasons TEXT NOT NULL, 
	received_at VARCHAR(24) NOT NULL, 
	msgid TEXT NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "rejection" VALUES(1,'H00000000001','HD03','TEST-000005-sess_id',1,'sha256:2a9417b1c41c73a7cf37c9b85c6d429de1dfc926fbd27a9401a9880066cdeab4','[{"field":"machine_no","rule":"required","message":"透析机号（machine_no）必填，当前为空"},{"field":"content_hash","rule":"content_hash","message":"内容摘要（content_hash）与内容不符，记录在途中被改动或编码不一致"}]','2026-01-15T03:00:00.000Z','H00000000001202601151100000003');
CREATE TABLE scene_plan (
	institution_id INTEGER NOT NULL, 
	scene VARCHAR(40) NOT NULL, 
	PRIMARY KEY (institution_id, scene), 
	FOREIGN KEY(institution_id) REFERENCES institution (id)
);
INSERT INTO "scene_plan" VALUES(1,'血透');
INSERT INTO "scene_plan" VALUES(1,'门诊');
INSERT INTO "scene_plan" VALUES(2,'血透');
CREATE TABLE store_version (
	version INTEGER NOT NULL
);
INSERT INTO "store_version" VALUES(1);
CREATE INDEX record_day ON record (institution, dataset, occurred_at);
CREATE INDEX rejection_key ON rejection (institution, dataset, "key");
CREATE INDEX ix_message_received_at ON message (received_at);
CREATE INDEX ix_message_msgid ON message (msgid);
CREATE INDEX ix_nonce_until ON nonce (until);
COMMIT;
